#include "config/options.hpp"

namespace overwatch {

namespace {

std::string code(std::string_view text) { return text.empty() ? "" : "`" + std::string{text} + "`"; }

std::string section_of(std::string_view name) { return std::string{name.substr(0, name.find('.'))}; }

std::string sentence(const option& which) {
  auto text = std::string{which.meaning};
  if (!which.cost.empty())
    text += ". Cost: " + std::string{which.cost};
  return text;
}

template <class Named>
std::string named_reference(std::string_view title, const std::vector<named_option<Named>>& table) {
  auto result = "\n| " + code(title) + " | default | values | meaning |\n|---|---|---|---|\n";
  for (auto& one : table) {
    Named defaults;
    auto place = one.field(defaults);
    result += "| " + code(one.name) + " | " + code(value_text(place)) + " | " + describe_values(place, one.rules) +
              (one.unit.empty() ? "" : " (" + std::string{one.unit} + ")") + " | " + std::string{one.meaning} + " |\n";
  }
  return result;
}

} // namespace

std::string help_text(const option& which) {
  auto text = sentence(which) + ". " + type_text(which);
  auto preset = default_text(which);
  return text + "; default: " + (preset.empty() ? "empty" : preset) + "; environment: " + environment_name(which);
}

std::string options_reference() {
  std::string result =
    "Every option has a variable `OVERWATCH_<SECTION>_<OPTION>` (`http.port`: `OVERWATCH_HTTP_PORT`); an empty "
    "one counts as not set. Options marked \"live\" change with `PUT /config`, the others with a restart.\n";
  std::string section;
  for (auto& one : options()) {
    if (section_of(one.name) != section) {
      section = section_of(one.name);
      result += "\n| " + code(section) + " | default | values | meaning | command line |\n|---|---|---|---|---|\n";
    }
    auto flag = code(flag_name(one));
    if (!one.seed_variable.empty() && one.seed_variable != environment_name(one))
      flag += ", also " + code(one.seed_variable);
    result += "| " + code(one.name.substr(section.size() + 1)) + " | " + code(default_text(one)) + " | " +
              type_text(one) + " | " + (one.live ? "(live) " : "") + sentence(one) + " | " + flag + " |\n";
  }
  result += named_reference("maintenance { cleanup { <name> { ... } } }", cleanup_options());
  result += named_reference("maintenance { rotate { <name> { ... } } }", rotation_options());
  result += named_reference("commands { <name> { ... } }", command_options());
  return result;
}

} // namespace overwatch
