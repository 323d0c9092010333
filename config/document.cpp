#include "config/document.hpp"

#include <caf/atom.hpp>
#include <caf/detail/parser/read_ini.hpp>
#include <caf/parser_state.hpp>
#include <caf/uri.hpp>

#include <algorithm>
#include <cctype>
#include <limits>
#include <optional>

namespace overwatch {

namespace {

using parser_state = caf::parser_state<const char*>;

// CAF calls the keys that stand outside of any section so.
constexpr std::string_view top_level = "global";

/// Turns offsets into positions; borrows the text.
class source_text {
public:
  explicit source_text(std::string_view text) : text_{text} {
    for (size_t i = 0; i < text.size(); ++i)
      if (text[i] == '\n')
        line_starts_.push_back(i + 1);
  }

  config_position position(size_t offset) const {
    auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
    auto line = static_cast<unsigned>(next - line_starts_.begin());
    return {line, static_cast<unsigned>(offset - *(next - 1) + 1)};
  }

  /// The first byte from `offset` on that is neither blank, comma, assignment nor comment.
  size_t value_start(size_t offset) const {
    while (offset < text_.size()) {
      if (text_[offset] == ';')
        offset = std::min(text_.find('\n', offset), text_.size());
      else if (std::string_view{" \t\n,="}.find(text_[offset]) != std::string_view::npos)
        ++offset;
      else
        break;
    }
    return offset;
  }

  bool starts_line(size_t offset) const {
    auto last = text_.substr(0, offset).find_last_not_of(" \t");
    return last == std::string_view::npos || text_[last] == '\n';
  }

  /// The run of letters, digits and the like around `offset`.
  std::string_view word_at(size_t offset) const {
    auto in_word = [this](size_t i) {
      return std::isalnum(static_cast<unsigned char>(text_[i])) ||
             std::string_view{"._-"}.find(text_[i]) != std::string_view::npos;
    };
    auto first = offset, last = offset;
    while (first > 0 && in_word(first - 1))
      --first;
    while (last < text_.size() && in_word(last))
      ++last;
    return text_.substr(first, last - first);
  }

  /// The byte before `word`, blanks left out; 0 at the start of the text.
  char before(std::string_view word) const {
    auto last = text_.substr(0, static_cast<size_t>(word.data() - text_.data())).find_last_not_of(" \t");
    return last == std::string_view::npos ? '\0' : text_[last];
  }

  std::string_view text() const { return text_; }

private:
  std::string_view text_;
  std::vector<size_t> line_starts_{0};
};

struct integer_consumer {
  using value_type = int64_t;
  int64_t number = 0;
  void value(int64_t x) { number = x; }
};

/// True when a number with a unit, as it is written, does not fit CAF's nanoseconds: its parser does not check.
bool timespan_overflows(std::string_view literal) {
  auto digits = std::min(literal.find_first_of("unmsh"), literal.size());
  auto unit = literal.substr(digits);
  integer_consumer consumer;
  parser_state state{literal.data(), literal.data() + digits};
  caf::detail::parser::read_signed_integer(state, consumer);
  int64_t factor = 1;
  for (auto [name, nanoseconds] : {std::pair{"h", 3'600'000'000'000},
                                   {"min", 60'000'000'000},
                                   {"s", 1'000'000'000},
                                   {"ms", 1'000'000},
                                   {"us", 1'000}})
    if (unit == name)
      factor = nanoseconds;
  auto bound = std::numeric_limits<int64_t>::max() / factor;
  return consumer.number > bound || consumer.number < -bound;
}

/// Builds the tree while CAF's parser walks through the text. One object for all levels: CAF asks for a consumer per
/// list and map, and gets this one again.
class tree_builder {
public:
  tree_builder(parser_state& state, const source_text& source) : state_{state}, source_{source} {
    open_.push_back({{}, {}, {}, config_value{{1, 1}, config_value::map{}}});
  }

  // By value: CAF's parser goes on with a string that it expects to be moved from.
  void key(std::string name) {
    auto end = offset();
    auto found = name.size() <= end ? source_.text().rfind(name, end - name.size()) : std::string_view::npos;
    auto& frame = open_.back();
    bool implicit = open_.size() == 1 && name == top_level && (end == 0 || source_.text()[end - 1] != ']');
    frame.key_position = source_.position(implicit || found == std::string_view::npos ? end : found);
    if (implicit && !source_.starts_line(end))
      errors.push_back({source_.position(end), "a value ends with its line: put what follows it on a line of its own"});
    frame.key = std::move(name);
    value_from_ = end;
  }

  tree_builder& begin_map() { return open(config_value::map{}); }
  tree_builder& begin_list() { return open(config_value::list{}); }
  void end_map() { close(); }
  void end_list() { close(); }

  void value(std::string x) { add(std::move(x)); }
  void value(int64_t x) { add(x); }
  void value(double x) { add(x); }
  void value(bool x) { add(x); }
  void value(caf::atom_value x) { add(caf::to_string(x)); }
  void value(caf::uri) {
    add(config_value::unusable{"a URI in angle brackets is no value here: write text in double quotes"});
  }
  void value(caf::timespan x) {
    auto first = source_.value_start(value_from_);
    if (timespan_overflows(source_.text().substr(first, offset() - first)))
      add(config_value::unusable{"the duration is too long"});
    else
      add(x);
  }

  /// What was read, with the parts that a syntax error left open.
  config_value::map finish() {
    while (open_.size() > 1)
      close();
    return std::move(std::get<config_value::map>(open_.front().value.data));
  }

  /// The lists and maps that are open, for "where is its end?".
  std::optional<config_position> innermost_bracket() const {
    for (auto frame = open_.rbegin(); frame != open_.rend(); ++frame)
      if (frame->bracket)
        return frame->value.position;
    return std::nullopt;
  }

  bool too_deep() const { return too_deep_; }

  std::vector<config_document::syntax_error> errors;

private:
  struct frame {
    std::string key; // of the value that comes next
    config_position key_position;
    bool bracket = false;
    config_value value;
  };

  size_t offset() const {
    return std::min(static_cast<size_t>(state_.i - source_.text().data()), source_.text().size());
  }

  template <class Container>
  tree_builder& open(Container container) {
    auto at = offset();
    // CAF has stepped over the bracket; a `[section]` starts at its name.
    bool bracket = at > 0 && (source_.text()[at - 1] == '{' || (std::is_same_v<Container, config_value::list>));
    auto position = bracket ? source_.position(at - 1) : open_.back().key_position;
    if (open_.size() > config_limits::depth && !too_deep_) {
      too_deep_ = true;
      errors.push_back({position, "lists and maps may be at most " + std::to_string(config_limits::depth) + " deep"});
    }
    if (too_deep_)
      state_.i = state_.e; // ends CAF's recursion
    open_.push_back({{}, {}, bracket, config_value{position, std::move(container)}});
    value_from_ = at;
    return *this;
  }

  void close() {
    if (open_.size() < 2)
      return;
    auto value = std::move(open_.back().value);
    open_.pop_back();
    attach(std::move(value));
    value_from_ = offset();
  }

  template <class T>
  void add(T x) {
    attach({source_.position(source_.value_start(value_from_)), std::move(x)});
    value_from_ = offset();
  }

  void attach(config_value value) {
    auto& frame = open_.back();
    if (auto* items = std::get_if<config_value::list>(&frame.value.data))
      items->items.push_back(std::move(value));
    else
      std::get<config_value::map>(frame.value.data)
        .entries.push_back({frame.key, frame.key_position, std::move(value)});
  }

  parser_state& state_;
  const source_text& source_;
  std::vector<frame> open_;
  size_t value_from_ = 0;
  bool too_deep_ = false;
};

std::string unexpected(const source_text& source, size_t offset) {
  auto found = source.text()[offset];
  if (found == '#')
    return "'#' is not expected here: comments start with ';'";
  auto word = source.word_at(offset);
  auto before = source.before(word);
  if (!word.empty() && std::string_view{"=,["}.find(before) != std::string_view::npos) {
    if (std::isdigit(static_cast<unsigned char>(word.front())))
      return "'" + std::string{word} + "' is neither a number nor a duration: units are ns, us, ms, s, min and h";
    return "'" + std::string{word} + "' is no value: text stands in double quotes, truth values are true and false";
  }
  if (found == '.' || found == ':')
    return std::string{"'"} + found + "' is not expected here: write `section { option = value }`";
  if (found == '\n')
    return "the line ends too early: a value is expected, and text does not go over lines";
  if (std::iscntrl(static_cast<unsigned char>(found)) || static_cast<unsigned char>(found) >= 0x80)
    return "an unprintable or non-ASCII character is not expected here: text stands in double quotes";
  if (!word.empty())
    return "'" + std::string{word} + "' is not expected here: one option a line, or a comma between two in braces";
  return std::string{"'"} + found + "' is not expected here: write `option = value` or `section { ... }`";
}

std::string syntax_message(caf::pec code, const source_text& source, size_t offset,
                           std::optional<config_position> open) {
  switch (code) {
  case caf::pec::illegal_escape_sequence:
    return "this escape is unknown: in text there are \\n, \\r, \\t, \\\\ and \\\"";
  case caf::pec::integer_overflow:
  case caf::pec::integer_underflow:
  case caf::pec::exponent_overflow:
  case caf::pec::exponent_underflow:
  case caf::pec::timespan_overflow:
    return "the number is too large";
  case caf::pec::fractional_timespan:
    return "a duration is a whole number with a unit: write 1500ms instead of 1.5s";
  case caf::pec::too_many_characters:
    return "text in single quotes has at most 10 characters: use double quotes";
  default:
    break;
  }
  if (offset < source.text().size())
    return unexpected(source, offset);
  if (open)
    return "the file ends too early: what was opened in line " + std::to_string(open->line) + ", column " +
           std::to_string(open->column) + " is not closed";
  return "the file ends too early: a value or an end of text is missing";
}

/// What CAF's parser would misread: a NUL byte ends the text for it, and it does not know Windows' line ends.
std::optional<size_t> prepare(std::string& text) {
  if (text.compare(0, 3, "\xEF\xBB\xBF") == 0)
    text.replace(0, 3, "   ");
  for (auto at = text.find("\r\n"); at != std::string::npos; at = text.find("\r\n", at))
    text[at] = ' ';
  auto nul = text.find('\0');
  return nul == std::string::npos ? std::nullopt : std::optional{nul};
}

} // namespace

config_document parse_document(std::string_view input) {
  config_document result;
  if (input.size() > config_limits::file_bytes) {
    result.errors.push_back({{1, 1}, "the file has more than " + std::to_string(config_limits::file_bytes) + " bytes"});
    return result;
  }
  std::string text{input};
  auto nul = prepare(text);
  source_text source{text};
  if (nul) {
    result.errors.push_back({source.position(*nul), "a NUL byte: this is not a text file"});
    return result;
  }
  parser_state state{text.data(), text.data() + text.size()};
  tree_builder builder{state, source};
  caf::detail::parser::read_ini(state, builder);
  auto at = static_cast<size_t>(state.i - text.data());
  if ((state.code != caf::pec::success || !state.at_end()) && !builder.too_deep())
    builder.errors.push_back(
      {source.position(at), syntax_message(state.code, source, at, builder.innermost_bracket())});
  // Keys outside of sections, and sections in braces, stand in CAF's section `global`.
  for (auto& section : builder.finish().entries) {
    auto* content = std::get_if<config_value::map>(&section.value.data);
    if (section.key != top_level || content == nullptr)
      result.sections.entries.push_back(std::move(section));
    else
      std::move(content->entries.begin(), content->entries.end(), std::back_inserter(result.sections.entries));
  }
  result.errors = std::move(builder.errors);
  return result;
}

config_value parse_value(std::string_view text) {
  config_value none{{1, 1}, config_value::unusable{"not a value"}};
  if (text.size() > config_limits::file_bytes || text.find('\0') != std::string_view::npos)
    return none;
  source_text source{text};
  parser_state state{text.data(), text.data() + text.size()};
  tree_builder builder{state, source};
  builder.key({});
  caf::detail::parser::read_ini_value(state, builder);
  auto result = builder.finish();
  if (state.code != caf::pec::success || !state.at_end() || result.entries.empty())
    return none;
  return std::move(result.entries.front().value);
}

} // namespace overwatch
