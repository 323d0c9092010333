#include "runtime/cli/command.hpp"

#include "config/options.hpp"
#include "runtime/cli/setting_options.hpp"
#include "runtime/cli/table.hpp"
#include "runtime/cli/text.hpp"

#include <boost/json.hpp>
#include <memory>
#include <ostream>

namespace overwatch::cli {

namespace {

namespace json = boost::json;

json::array to_json(const std::vector<config_problem>& problems) {
  json::array result;
  for (const auto& problem : problems)
    result.push_back(json::object{
      {"file", problem.file}, {"line", problem.line}, {"column", problem.column}, {"message", problem.message}});
  return result;
}

// The file alone: what the environment says is not its fault.
exit_code check_file(const command_context& context, const std::string& file) {
  const auto loaded = load_settings(file, {}, {});
  if (context.options.json)
    context.print_raw(json::serialize(json::object{
      {"ok", loaded.ok()}, {"problems", to_json(loaded.problems)}, {"warnings", to_json(loaded.warnings)}}));
  else
    report(context.console, loaded);
  if (loaded.ok() && !context.options.json)
    context.console.out << printable(file) << " is good\n";
  return loaded.ok() ? exit_code::good : exit_code::failed;
}

exit_code show_settings(const command_context& context, const setting_options& given) {
  const auto loaded = given.load();
  report(context.console, loaded);
  const auto source_of = [&](const option& option) {
    const auto found = loaded.sources.find(std::string{option.name});
    return found == loaded.sources.end() ? std::string{"default"} : found->second;
  };
  if (context.options.json) {
    json::object result;
    for (const auto& option : options())
      result[{option.name.data(), option.name.size()}] =
        json::object{{"value", option_text(option, loaded.values)}, {"source", source_of(option)}};
    context.print_raw(json::serialize(result));
  } else {
    table result{{{"OPTION", false, true}, {"VALUE"}, {"FROM"}}};
    for (const auto& option : options()) {
      const auto source = source_of(option);
      const auto shade = source == "default" ? colour::dim : colour::plain;
      result.add({option.name, option_text(option, loaded.values), {source, shade}});
    }
    result.print(context.console);
    if (!loaded.values.commands.empty()) {
      std::string names;
      for (const auto& [name, command] : loaded.values.commands)
        names += (names.empty() ? "" : ", ") + name;
      context.console.out << "named commands: " << printable(names) << '\n';
    }
  }
  return loaded.ok() ? exit_code::good : exit_code::usage;
}

} // namespace

void add_config_commands(CLI::App& app, command_context& context) {
  auto* config = app.add_subcommand("config", "Check and show settings of a node");
  config->require_subcommand(1);
  config->footer("Example:\n  overwatch config check node.conf && overwatch start --config-file node.conf");

  auto file = std::make_shared<std::string>();
  auto* check = config->add_subcommand("check", "Is this file good? The exit code is 1 when it is not");
  check->add_option("FILE", *file, "A config file")->required()->type_name("FILE");
  check->footer("Example:\n  overwatch config check node.conf");
  runs(check, context, [&context, file] { return check_file(context, *file); });

  auto* show = config->add_subcommand("show", "What `start` would use, and where each setting comes from");
  auto given = add_setting_options(show);
  show->footer("Example:\n  OVERWATCH_LOG_LEVEL=debug overwatch config show --config-file node.conf");
  runs(show, context, [&context, given] { return show_settings(context, *given); });

  auto* reference = config->add_subcommand("reference", "All options as Markdown tables");
  reference->footer("Example:\n  overwatch config reference > options.md");
  runs(reference, context, [&context] {
    context.console.out << options_reference();
    return exit_code::good;
  });
}

} // namespace overwatch::cli
