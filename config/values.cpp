#include "config/values.hpp"

#include <algorithm>
#include <cctype>
#include <numeric>

namespace overwatch {

namespace {

using std::chrono::seconds;

constexpr size_t task_type_bytes = 64;
constexpr std::string_view task_type_rule = "1 to 64 characters of a-z, 0-9, '_', '.', '-'";

bool names_task_type(std::string_view text) {
  return !text.empty() && text.size() <= task_type_bytes &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.-") == std::string_view::npos;
}

std::string lower(std::string_view text) {
  std::string result{text};
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

std::string quoted(std::string_view text) {
  constexpr size_t shown = 80;
  return "\"" + std::string{text.substr(0, shown)} + (text.size() > shown ? "...\"" : "\"");
}

std::string trimmed(std::string_view text) {
  auto first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? ""
                                         : std::string{text.substr(first, text.find_last_not_of(" \t") - first + 1)};
}

std::string join(const std::vector<std::string_view>& words) {
  std::string result;
  for (auto word : words)
    result += (result.empty() ? "" : ", ") + std::string{word};
  return result;
}

/// What a value is, for "must be a number, not ...".
std::string kind_text(const config_value& value) {
  struct {
    std::string operator()(const std::string& x) const { return "the text " + quoted(x); }
    std::string operator()(int64_t x) const { return std::to_string(x); }
    std::string operator()(double) const { return "a number with a fraction"; }
    std::string operator()(bool x) const { return x ? "true" : "false"; }
    std::string operator()(caf::timespan) const { return "a duration"; }
    std::string operator()(const config_value::list&) const { return "a list"; }
    std::string operator()(const config_value::map&) const { return "a map in braces"; }
    std::string operator()(const config_value::unusable& x) const { return "this: " + x.reason; }
  } kind;
  return std::visit(kind, value.data);
}

std::string whole_seconds(caf::timespan span, int64_t& result) {
  if (span.count() % 1'000'000'000 != 0)
    return "must be whole seconds";
  result = span.count() / 1'000'000'000;
  return {};
}

/// One reader per type; each says what is wrong, or nothing.
struct assigner {
  const value_rules& rules;
  const config_value& value;
  std::string expected;

  std::string refuse() const { return "must be " + expected + ", not " + kind_text(value); }

  template <class Number>
  std::string number(const config_value& source, Number& target) const {
    auto* number = std::get_if<int64_t>(&source.data);
    if (number == nullptr || *number < rules.minimum || *number > rules.maximum)
      return refuse();
    target = static_cast<Number>(*number);
    return {};
  }

  std::string operator()(uint16_t* place) const { return number(value, *place); }
  std::string operator()(uint32_t* place) const { return number(value, *place); }

  std::string operator()(seconds* place) const {
    int64_t count = 0;
    if (auto* span = std::get_if<caf::timespan>(&value.data)) {
      if (auto wrong = whole_seconds(*span, count); !wrong.empty())
        return wrong + ": " + expected;
    } else if (auto* number = std::get_if<int64_t>(&value.data)) {
      count = *number;
    } else {
      return refuse();
    }
    if (count < rules.minimum || count > rules.maximum)
      return "must be " + expected;
    *place = seconds{count};
    return {};
  }

  std::string operator()(std::string* place) const {
    auto* text = std::get_if<std::string>(&value.data);
    if (text == nullptr)
      return refuse();
    auto known = lower(*text);
    if (rules.allowed.empty())
      *place = *text;
    else if (std::find(rules.allowed.begin(), rules.allowed.end(), known) != rules.allowed.end())
      *place = known;
    else
      return refuse();
    return {};
  }

  std::string operator()(std::vector<std::string>* place) const {
    auto* list = std::get_if<config_value::list>(&value.data);
    if (list == nullptr)
      return refuse();
    std::vector<std::string> result;
    for (auto& item : list->items) {
      auto* text = std::get_if<std::string>(&item.data);
      if (text == nullptr)
        return "must be " + expected + "; one entry is " + kind_text(item);
      if (rules.task_types && !names_task_type(*text))
        return quoted(*text) + " cannot name a task type: " + std::string{task_type_rule};
      result.push_back(*text);
    }
    *place = std::move(result);
    return {};
  }

  std::string operator()(std::map<std::string, uint32_t>* place) const {
    return map(*place, [this](const config_entry& entry, uint32_t& target) {
      if (rules.task_types && !names_task_type(entry.key))
        return quoted(entry.key) + " cannot name a task type: " + std::string{task_type_rule};
      if (number(entry.value, target).empty())
        return std::string{};
      return "must be " + expected + "; " + quoted(entry.key) + " has " + kind_text(entry.value);
    });
  }

  std::string operator()(std::map<std::string, std::string>* place) const {
    return map(*place, [this](const config_entry& entry, std::string& target) {
      auto* text = std::get_if<std::string>(&entry.value.data);
      if (text == nullptr)
        return "must be " + expected + "; " + quoted(entry.key) + " has " + kind_text(entry.value);
      target = *text;
      return std::string{};
    });
  }

  template <class Map, class Read>
  std::string map(Map& place, Read read) const {
    auto* source = std::get_if<config_value::map>(&value.data);
    if (source == nullptr)
      return refuse();
    Map result;
    for (auto& entry : source->entries) {
      auto [at, fresh] = result.emplace(entry.key, typename Map::mapped_type{});
      if (!fresh)
        return quoted(entry.key) + " occurs twice";
      if (auto wrong = read(entry, at->second); !wrong.empty())
        return wrong;
    }
    place = std::move(result);
    return {};
  }
};

/// The value that a text of the environment or command line stands for, by the type of its place.
struct text_reader {
  std::string text;

  config_value operator()(std::string*) const { return {{}, text}; }
  config_value operator()(uint16_t*) const { return scalar(text); }
  config_value operator()(uint32_t*) const { return scalar(text); }
  config_value operator()(seconds*) const { return scalar(text); }

  config_value operator()(std::vector<std::string>*) const {
    config_value::list list;
    for (auto& part : parts())
      list.items.push_back({{}, std::move(part)});
    return {{}, std::move(list)};
  }

  config_value operator()(std::map<std::string, uint32_t>*) const { return map(true); }
  config_value operator()(std::map<std::string, std::string>*) const { return map(false); }

  static config_value scalar(const std::string& text) {
    auto value = parse_value(text);
    return std::holds_alternative<config_value::unusable>(value.data) ? config_value{{}, text} : value;
  }

  config_value map(bool numbers) const {
    config_value::map map;
    for (std::string_view part : parts()) {
      auto equals = std::min(part.find('='), part.size());
      auto value = trimmed(part.substr(std::min(equals + 1, part.size())));
      map.entries.push_back({trimmed(part.substr(0, equals)), {}, numbers ? scalar(value) : config_value{{}, value}});
    }
    return {{}, std::move(map)};
  }

  /// What stands between commas; empty parts left out.
  std::vector<std::string> parts() const {
    std::vector<std::string> result;
    for (size_t first = 0; first < text.size();) {
      auto last = std::min(text.find(',', first), text.size());
      if (auto part = trimmed(std::string_view{text}.substr(first, last - first)); !part.empty())
        result.push_back(std::move(part));
      first = last + 1;
    }
    return result;
  }
};

std::string quoted_literal(const std::string& text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      result += '\\';
    result += c;
  }
  return result + '"';
}

template <class Map, class Render>
std::string joined(const Map& items, std::string_view between, Render render) {
  std::string result;
  for (auto& item : items)
    result += (result.empty() ? "" : std::string{between}) + render(item);
  return result;
}

} // namespace

std::string assign(value_ref place, const value_rules& rules, const config_value& value) {
  if (auto* unusable = std::get_if<config_value::unusable>(&value.data))
    return "must be " + describe_values(place, rules) + ": " + unusable->reason;
  // The short form of a map is legal in a file, too: keys there cannot have dots, task types can.
  auto* text = std::get_if<std::string>(&value.data);
  if (text != nullptr && std::holds_alternative<std::map<std::string, uint32_t>*>(place))
    return assign_text(place, rules, *text);
  return std::visit(assigner{rules, value, describe_values(place, rules)}, place);
}

std::string assign_text(value_ref place, const value_rules& rules, std::string_view text) {
  auto value = std::visit(text_reader{trimmed(text)}, place);
  return std::visit(assigner{rules, value, describe_values(place, rules)}, place);
}

std::string duration_text(seconds duration) {
  auto count = duration.count();
  if (count != 0 && count % 3600 == 0)
    return std::to_string(count / 3600) + "h";
  if (count != 0 && count % 60 == 0)
    return std::to_string(count / 60) + "min";
  return std::to_string(count) + "s";
}

std::string value_text(value_ref place) {
  struct {
    std::string operator()(const std::string* x) const { return *x; }
    std::string operator()(const uint16_t* x) const { return std::to_string(*x); }
    std::string operator()(const uint32_t* x) const { return std::to_string(*x); }
    std::string operator()(const seconds* x) const { return duration_text(*x); }
    std::string operator()(const std::vector<std::string>* x) const {
      return joined(*x, ",", [](auto& item) { return item; });
    }
    std::string operator()(const std::map<std::string, uint32_t>* x) const {
      return joined(*x, ",", [](auto& item) { return item.first + "=" + std::to_string(item.second); });
    }
    std::string operator()(const std::map<std::string, std::string>* x) const {
      return joined(*x, ",", [](auto& item) { return item.first + "=" + item.second; });
    }
  } render;
  return std::visit(render, place);
}

std::string value_literal(value_ref place) {
  struct {
    std::string operator()(const std::string* x) const { return quoted_literal(*x); }
    std::string operator()(const uint16_t* x) const { return std::to_string(*x); }
    std::string operator()(const uint32_t* x) const { return std::to_string(*x); }
    std::string operator()(const seconds* x) const { return duration_text(*x); }
    std::string operator()(const std::vector<std::string>* x) const {
      return "[" + joined(*x, ", ", [](auto& item) { return quoted_literal(item); }) + "]";
    }
    std::string operator()(const std::map<std::string, uint32_t>* x) const {
      return "{ " + joined(*x, ", ", [](auto& item) { return item.first + " = " + std::to_string(item.second); }) +
             " }";
    }
    std::string operator()(const std::map<std::string, std::string>* x) const {
      return "{ " + joined(*x, ", ", [](auto& item) { return item.first + " = " + quoted_literal(item.second); }) +
             " }";
    }
  } render;
  return std::visit(render, place);
}

std::string describe_values(value_ref place, const value_rules& rules) {
  struct {
    const value_rules& rules;
    std::string range() const { return std::to_string(rules.minimum) + " to " + std::to_string(rules.maximum); }
    std::string operator()(std::string*) const {
      return rules.allowed.empty() ? "text" : "one of " + join(rules.allowed);
    }
    std::string operator()(uint16_t*) const { return "a whole number from " + range(); }
    std::string operator()(uint32_t*) const { return "a whole number from " + range(); }
    std::string operator()(seconds*) const {
      return "a duration from " + duration_text(seconds{rules.minimum}) + " to " +
             duration_text(seconds{rules.maximum});
    }
    std::string operator()(std::vector<std::string>*) const {
      return rules.task_types ? "a list of task types" : "a list of texts";
    }
    std::string operator()(std::map<std::string, uint32_t>*) const {
      return (rules.task_types ? "task types with whole numbers from " : "names with whole numbers from ") + range();
    }
    std::string operator()(std::map<std::string, std::string>*) const { return "names with texts"; }
  } describe{rules};
  return std::visit(describe, place);
}

std::optional<std::string> nearest_name(std::string_view name, const std::vector<std::string>& known) {
  constexpr size_t longest = 256;
  if (name.size() > longest)
    return std::nullopt;
  std::optional<std::string> best;
  auto least = std::max<size_t>(2, name.size() / 3) + 1;
  std::vector<size_t> row;
  for (auto& candidate : known) {
    // Levenshtein's distance, one row at a time.
    row.resize(candidate.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 0; i < name.size(); ++i) {
      auto diagonal = row[0];
      row[0] = i + 1;
      for (size_t j = 0; j < candidate.size(); ++j) {
        auto replaced = diagonal + (name[i] == candidate[j] ? 0 : 1);
        diagonal = row[j + 1];
        row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
      }
    }
    if (row.back() < least && row.back() < std::max(name.size(), candidate.size())) {
      least = row.back();
      best = candidate;
    }
  }
  return best;
}

} // namespace overwatch
