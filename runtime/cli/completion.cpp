#include "runtime/cli/completion.hpp"

#include "runtime/cli/command.hpp"

#include <algorithm>
#include <memory>
#include <ostream>
#include <vector>

namespace overwatch::cli {

namespace {

struct flag {
  std::vector<std::string> names; ///< with dashes, the long ones first
  std::string meaning;
  bool takes_value = false;
  bool takes_file = false;
  std::vector<std::string> values; ///< all there are, if there are few
};

struct command {
  std::string path; ///< `config check`; empty: overwatch itself
  std::string meaning;
  std::vector<std::pair<std::string, std::string>> children; ///< name, meaning
  std::vector<flag> flags;
  bool takes_file = false;         ///< a positional one
  std::vector<std::string> values; ///< of a positional argument
};

// `TEXT:{a,b}`, as CLI11 shows a set of values.
std::vector<std::string> values_of(const CLI::Option& option) {
  const auto type = option.get_type_name();
  const auto open = type.find('{');
  const auto close = type.find('}');
  if (open == std::string::npos || close == std::string::npos || close < open)
    return {};
  return CLI::detail::split(type.substr(open + 1, close - open - 1), ',');
}

bool takes_file(const CLI::Option& option) { return option.get_type_name().find("FILE") != std::string::npos; }

flag flag_of(const CLI::Option& option) {
  flag result;
  for (const auto& name : option.get_lnames())
    result.names.push_back("--" + name);
  for (const auto& name : option.get_snames())
    result.names.push_back("-" + name);
  result.meaning = option.get_description();
  result.takes_value = option.get_items_expected_max() > 0;
  result.takes_file = takes_file(option);
  result.values = values_of(option);
  return result;
}

void collect(const CLI::App& app, const std::string& path, std::vector<command>& out) {
  command result{path, app.get_description(), {}, {}, false, {}};
  for (const auto* option : app.get_options()) {
    if (option->nonpositional()) {
      result.flags.push_back(flag_of(*option));
    } else {
      result.takes_file = result.takes_file || takes_file(*option);
      for (auto& value : values_of(*option))
        result.values.push_back(std::move(value));
    }
  }
  const auto children = app.get_subcommands([](const CLI::App*) { return true; });
  for (const auto* child : children)
    result.children.emplace_back(child->get_name(), child->get_description());
  out.push_back(std::move(result));
  for (const auto* child : children)
    collect(*child, path.empty() ? child->get_name() : path + " " + child->get_name(), out);
}

// All commands; each has the flags of overwatch itself, too.
std::vector<command> commands_of(const CLI::App& app) {
  std::vector<command> result;
  collect(app, "", result);
  for (size_t i = 1; i < result.size(); ++i)
    for (const auto& flag : result.front().flags) {
      const auto same = [&](const auto& other) { return other.names.front() == flag.names.front(); };
      if (std::none_of(result[i].flags.begin(), result[i].flags.end(), same))
        result[i].flags.push_back(flag);
    }
  return result;
}

std::string shell_quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text)
    result += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return result + "'";
}

std::string words_of(const command& command) {
  std::string result;
  for (const auto& child : command.children)
    result += child.first + " ";
  for (const auto& value : command.values)
    result += value + " ";
  for (const auto& flag : command.flags)
    for (const auto& name : flag.names)
      result += name + " ";
  return result;
}

std::string joined(const std::vector<std::string>& texts, const char* between) {
  std::string result;
  for (const auto& text : texts)
    result += (result.empty() ? "" : between) + text;
  return result;
}

// A shell function's body that sets `command` to the path of the command that the words so far name.
std::string find_command_lines(const std::vector<command>& commands) {
  std::string result = "    case \"$command $word\" in\n";
  for (const auto& command : commands)
    for (const auto& [name, meaning] : command.children) {
      const auto path = command.path.empty() ? name : command.path + " " + name;
      result += "      " + shell_quoted(command.path + " " + name) + ") command=" + shell_quoted(path) + " ;;\n";
    }
  return result + "    esac\n";
}

// Colons and brackets have a meaning in what _arguments and _describe read.
std::string zsh_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == ':' || c == '[' || c == ']')
      result += '\\';
    result += c;
  }
  return result;
}

std::string zsh_flag(const flag& flag, const std::string& name) {
  auto result = name + "[" + zsh_text(flag.meaning) + "]";
  if (!flag.takes_value)
    return shell_quoted(result);
  result += ":value:";
  if (!flag.values.empty())
    result += "(" + joined(flag.values, " ") + ")";
  else if (flag.takes_file)
    result += "_files";
  return shell_quoted(result);
}

// The groups that have a command of this name, too: `show` is one of `gates`. Fish only sees which words there are.
std::string groups_with(const std::vector<command>& commands, const std::string& name) {
  std::string result;
  for (const auto& group : commands)
    for (const auto& child : group.children)
      if (!group.path.empty() && child.first == name)
        result += (result.empty() ? "" : " ") + group.path;
  return result;
}

} // namespace

std::string bash_completion(const CLI::App& app) {
  const auto commands = commands_of(app);
  std::string result =
    "# bash completion for overwatch: . <(overwatch completion bash)\n"
    "_overwatch() {\n"
    "  local current=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\" command='' word\n"
    "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n" +
    find_command_lines(commands) +
    "  done\n"
    "  COMPREPLY=()\n"
    "  case \"$command $previous\" in\n";
  for (const auto& command : commands)
    for (const auto& flag : command.flags) {
      if (!flag.takes_value)
        continue;
      for (const auto& name : flag.names) {
        result += "    " + shell_quoted(command.path + " " + name) + ") ";
        if (!flag.values.empty())
          result += "COMPREPLY=($(compgen -W " + shell_quoted(joined(flag.values, " ")) + " -- \"$current\")); ";
        else if (flag.takes_file)
          result += "COMPREPLY=($(compgen -f -- \"$current\")); ";
        result += "return ;;\n";
      }
    }
  result += "  esac\n  case \"$command\" in\n";
  for (const auto& command : commands) {
    result += "    " + shell_quoted(command.path) + ") COMPREPLY=($(compgen -W " + shell_quoted(words_of(command)) +
              " -- \"$current\"))";
    if (command.takes_file)
      result += "; COMPREPLY+=($(compgen -f -- \"$current\"))";
    result += " ;;\n";
  }
  return result + "  esac\n}\ncomplete -F _overwatch overwatch\n";
}

std::string zsh_completion(const CLI::App& app) {
  const auto commands = commands_of(app);
  std::string result = "#compdef overwatch\n"
                       "# zsh completion for overwatch: overwatch completion zsh > \"${fpath[1]}/_overwatch\"\n"
                       "_overwatch() {\n"
                       "  local command='' word\n"
                       "  local -a children\n"
                       "  for word in \"${(@)words[2,CURRENT-1]}\"; do\n" +
                       find_command_lines(commands) + "  done\n  case \"$command\" in\n";
  for (const auto& command : commands) {
    result += "    " + shell_quoted(command.path) + ")\n";
    if (!command.children.empty()) {
      result += "      children=(";
      for (const auto& [name, meaning] : command.children)
        result += "\n        " + shell_quoted(name + ":" + zsh_text(meaning));
      result += ")\n      [[ $words[CURRENT] == -* ]] || _describe command children\n";
    }
    result += "      _arguments";
    for (const auto& flag : command.flags)
      for (const auto& name : flag.names)
        result += " \\\n        " + zsh_flag(flag, name);
    if (!command.values.empty())
      result += " \\\n        " + shell_quoted("*:value:(" + joined(command.values, " ") + ")");
    else
      result += " \\\n        " + shell_quoted(command.takes_file ? "*:file:_files" : "*: :");
    result += " ;;\n";
  }
  // Read from a file in fpath it is the function's first call; read by `source` it only defines the function.
  return result + "  esac\n}\n"
                  "if [[ ${funcstack[1]} == _overwatch ]]; then _overwatch; else compdef _overwatch overwatch; fi\n";
}

std::string fish_completion(const CLI::App& app) {
  std::string result =
    "# fish completion for overwatch: overwatch completion fish | source\ncomplete -c overwatch -f\n";
  const auto commands = commands_of(app);
  for (const auto& command : commands) {
    std::string when = command.path.empty() ? "__fish_use_subcommand" : "";
    for (const auto& word : CLI::detail::split(command.path, ' '))
      if (!word.empty())
        when += (when.empty() ? "" : "; and ") + std::string{"__fish_seen_subcommand_from "} + word;
    if (const auto groups = groups_with(commands, command.path); !groups.empty())
      when += "; and not __fish_seen_subcommand_from " + groups;
    const auto start = "complete -c overwatch -n " + shell_quoted(when);
    for (const auto& [name, meaning] : command.children)
      result += start + " -a " + shell_quoted(name) + " -d " + shell_quoted(meaning) + "\n";
    if (!command.values.empty())
      result += start + " -a " + shell_quoted(joined(command.values, " ")) + "\n";
    if (command.takes_file)
      result += start + " -F\n";
    for (const auto& flag : command.flags) {
      result += start;
      for (const auto& name : flag.names)
        result += name.size() > 2 ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (flag.takes_value)
        result += flag.takes_file ? " -r -F" : " -x";
      if (!flag.values.empty())
        result += " -a " + shell_quoted(joined(flag.values, " "));
      result += " -d " + shell_quoted(flag.meaning) + "\n";
    }
  }
  return result;
}

void add_completion_command(CLI::App& app, command_context& context) {
  auto shell = std::make_shared<std::string>();
  auto* command = app.add_subcommand("completion", "A completion script for your shell");
  command->add_option("SHELL", *shell, "Which shell")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer("Examples:\n"
                  "  . <(overwatch completion bash)\n"
                  "  overwatch completion zsh > \"${fpath[1]}/_overwatch\"\n"
                  "  overwatch completion fish > ~/.config/fish/completions/overwatch.fish");
  runs(command, context, [&app, &context, shell] {
    context.console.out << (*shell == "bash"  ? bash_completion(app)
                            : *shell == "zsh" ? zsh_completion(app)
                                              : fish_completion(app));
    return exit_code::good;
  });
}

} // namespace overwatch::cli
