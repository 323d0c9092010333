#include "runtime/cli/setting_options.hpp"

#include "config/options.hpp"
#include "runtime/cli/text.hpp"

#include <ostream>

namespace overwatch::cli {

namespace {

// As completion reads it: the values, where there are few.
std::string values_of(const option& option) {
  std::string result;
  for (const auto value : option.rules.allowed)
    result += (result.empty() ? "{" : ",") + std::string{value};
  return result.empty() ? result : result + "}";
}

} // namespace

load_result setting_options::load() const { return load_settings(config_file, process_environment(), values); }

std::shared_ptr<setting_options> add_setting_options(CLI::App* command) {
  auto result = std::make_shared<setting_options>();
  // Weak: the command keeps the settings through its action, and a callback must not keep itself alive.
  const auto add = [&](const std::string& flag, const std::string& name, const std::string& help) {
    return command->add_option_function<std::string>(
      flag, [place = std::weak_ptr{result}, name](const std::string& text) { place.lock()->values[name] = text; },
      help);
  };
  command->add_option("--config-file", result->config_file, "Read this file; environment and flags win over it")
    ->type_name("FILE");
  add("--http", "http", "Where the API listens: http.address and http.port in one")->type_name("ADDRESS:PORT");
  add("--caf", "caf", "Where programs attach over CAF: caf.address and caf.port in one")->type_name("ADDRESS:PORT");
  for (const auto& option : options()) {
    const auto section = std::string{option.name.substr(0, option.name.find('.'))};
    add(flag_name(option), std::string{option.name}, help_text(option))
      ->type_name(values_of(option))
      ->group("Settings: " + section);
  }
  return result;
}

void report(const console& console, const load_result& loaded) {
  for (const auto& problem : loaded.problems)
    console.err << paint(console, colour::red, "error") << ": " << printable(problem.to_string()) << '\n';
  for (const auto& warning : loaded.warnings)
    console.err << paint(console, colour::yellow, "warning") << ": " << printable(warning.to_string()) << '\n';
}

} // namespace overwatch::cli
