// A node with one more task type. Everything else (storage, scheduler, REST, command line) is the same.

#include "actors/handler.hpp"
#include "runtime/main.hpp"

#include <boost/json.hpp>

#include <sstream>
#include <string>

namespace json = boost::json;

namespace {

/// Payload {"text": "to be or not to be"}; result {"words": 6, "longest": "not"}.
overwatch::outcome word_count(const overwatch::attempt_context& ctx) {
  json::error_code error;
  auto payload = json::parse(ctx.payload(), error);
  const auto* text = error ? nullptr : payload.as_object().if_contains("text");
  if (text == nullptr || !text->is_string())
    return overwatch::outcome::failed_for_good("payload.text must be text, for example {\"text\": \"to be or not\"}");

  std::istringstream words{std::string{text->get_string().c_str(), text->get_string().size()}};
  std::string word, longest;
  size_t count = 0;
  while (words >> word) {
    if (ctx.stopping())
      return overwatch::outcome::failed("stopped after " + std::to_string(count) + " words");
    if (word.size() > longest.size())
      longest = word;
    ++count;
  }
  ctx.progress(100, "counted");
  ctx.log(overwatch::log_level::info, std::to_string(count) + " words");
  return overwatch::outcome::completed(json::serialize(json::object{{"words", count}, {"longest", longest}}));
}

} // namespace

int main(int argc, char** argv) {
  overwatch::handler_registry handlers;
  handlers.add("word_count", word_count, {"Counts the words of a text."});
  return overwatch::run_main(argc, argv, handlers);
}
