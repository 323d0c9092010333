#include "runtime/maintenance/action.hpp"

#include "runtime/handlers/output_lines.hpp"

#include <array>

namespace overwatch::maintenance {

namespace {

constexpr size_t shown_bytes = 512; // of a path or a reason

std::string shown(std::string_view text) { return valid_utf8(text, shown_bytes); }

} // namespace

std::string_view name_of(action_status x) {
  constexpr std::array<std::string_view, 3> names{"done", "skipped", "failed"};
  return names[static_cast<size_t>(x)];
}

void action_result::leave(const std::string& what, const std::string& why) {
  ++left_count_;
  auto found = left_.find(why);
  if (found == left_.end() && left_.size() >= max_left)
    return;
  auto& things = left_[why];
  if (things.count++ == 0)
    things.first = what;
}

void action_result::skip(const std::string& what, const std::string& why) {
  status = action_status::skipped;
  leave(what, why);
}

void action_result::fail(const std::string& what, const std::string& why) {
  status = action_status::failed;
  leave(what, why);
}

boost::json::object action_result::to_json() const {
  boost::json::array left;
  for (const auto& [why, things] : left_) {
    auto more = things.count > 1 ? " and " + std::to_string(things.count - 1) + " more" : std::string{};
    left.push_back({{"what", shown(things.first) + more}, {"why", shown(why)}});
  }
  return {{"action", action_},
          {"status", std::string{name_of(status)}},
          {"freed_bytes", freed_bytes},
          {"removed", removed},
          {"left", left},
          {"left_count", left_count_},
          {"details", details}};
}

} // namespace overwatch::maintenance
