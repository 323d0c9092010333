#include "config/loader.hpp"

#include "config/checks.hpp"
#include "config/document.hpp"
#include "config/options.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <set>

namespace overwatch {

namespace {

constexpr std::string_view variable_prefix = "OVERWATCH_";

std::string dashed(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

std::string or_nearest(const std::string& sentence, std::string_view name, const std::vector<std::string>& known) {
  auto nearest = nearest_name(name, known);
  return nearest ? sentence + "; did you mean `" + *nearest + "`?" : sentence;
}

std::vector<std::string> section_names() {
  std::vector<std::string> result{"commands"};
  for (auto& one : options())
    if (auto section = std::string{one.name.substr(0, one.name.find('.'))}; result.back() != section)
      result.push_back(section);
  return result;
}

/// Sections that CAF itself would read.
bool is_section_of_caf(const std::string& name) {
  static const std::set<std::string> names{"logger", "middleman", "openssl", "opencl", "stream", "work-stealing"};
  return names.count(name) != 0;
}

class loader {
public:
  load_result run(const std::string& file, const std::map<std::string, std::string>& environment,
                  const std::map<std::string, std::string>& command_line) {
    for (auto& one : options())
      result_.sources[std::string{one.name}] = "default";
    if (!file.empty())
      read_file(file);
    read_environment(environment);
    read_command_line(command_line);
    check();
    return std::move(result_);
  }

private:
  void problem(config_position at, std::string message) {
    result_.problems.push_back({file_, at.line, at.column, std::move(message)});
  }

  // -- file -----------------------------------------------------------------------------------------------------

  void read_file(const std::string& file) {
    file_ = file;
    std::string text(config_limits::file_bytes + 1, '\0');
    errno = 0;
    std::ifstream in{file, std::ios::binary};
    if (in)
      in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!in.is_open() || in.bad())
      return problem({}, std::string{"cannot be read: "} + std::strerror(errno == 0 ? EIO : errno));
    text.resize(static_cast<size_t>(in.gcount()));
    auto document = parse_document(text);
    for (auto& error : document.errors)
      problem(error.position, error.message);
    for (auto& section : document.sections.entries)
      read_section(section);
    // In the order of the file: a reader fixes them from top to bottom.
    std::stable_sort(result_.problems.begin(), result_.problems.end(), [](auto& a, auto& b) {
      return std::pair{a.line, a.column} < std::pair{b.line, b.column};
    });
  }

  void read_section(const config_entry& section) {
    auto* content = std::get_if<config_value::map>(&section.value.data);
    auto known = section_names();
    if (std::find(known.begin(), known.end(), section.key) == known.end())
      return problem(section.position, unknown_section(section.key, content != nullptr));
    if (content == nullptr)
      return problem(section.position,
                     "`" + section.key + "` is a section: write " + section.key + " { option = value }");
    for (auto& entry : content->entries) {
      if (section.key == "commands")
        read_named("commands", "command", "argv = [\"/usr/bin/program\"]", entry, command_options(),
                   result_.values.commands);
      else if (section.key == "maintenance" && (entry.key == "cleanup" || entry.key == "rotate"))
        read_maintenance(entry);
      else
        read_option(section.key, entry);
    }
  }

  std::string unknown_section(const std::string& name, bool is_map) const {
    if (is_section_of_caf(name))
      return "`" + name +
             "` is a section of CAF that the node sets itself: of CAF's options only scheduler.max-threads "
             "and scheduler.policy can be set";
    if (!is_map)
      for (auto& one : options())
        if (auto dot = one.name.find('.'); one.name.substr(dot + 1) == dashed(name))
          return "`" + name + "` stands outside of a section; did you mean `" + std::string{one.name} + "`?";
    std::string all;
    for (auto& known : section_names())
      all += (all.empty() ? "" : ", ") + known;
    return or_nearest("`" + name + "` is not a section: there are " + all, name, section_names());
  }

  void read_option(const std::string& section, const config_entry& entry) {
    auto name = section + "." + entry.key;
    auto* known = find_option(name);
    if (known == nullptr)
      return problem(entry.position, unknown_option(section, entry.key));
    if (duplicate(name, entry))
      return;
    auto wrong = assign(known->field(result_.values), known->rules, entry.value);
    if (!wrong.empty())
      return problem(entry.value.position, "`" + name + "` " + wrong);
    result_.sources[name] = file_ + ":" + std::to_string(entry.position.line);
    positions_[name] = entry.value.position;
  }

  std::string unknown_option(const std::string& section, const std::string& key) const {
    if (find_option(section + "." + dashed(key)))
      return "`" + key + "` is not an option: names have dashes, write `" + dashed(key) + "`";
    std::vector<std::string> names;
    for (auto& one : options()) {
      names.emplace_back(one.name);
      if (one.name.substr(one.name.find('.') + 1) == dashed(key))
        return "`" + section + "." + key + "` is not an option; did you mean `" + std::string{one.name} + "`?";
    }
    return or_nearest("`" + section + "." + key + "` is not an option", section + "." + dashed(key), names);
  }

  bool duplicate(const std::string& name, const config_entry& entry) {
    auto [first, fresh] = seen_.emplace(name, entry.position.line);
    if (!fresh)
      problem(entry.position, "`" + name + "` is set twice: first in line " + std::to_string(first->second));
    return !fresh;
  }

  void read_maintenance(const config_entry& rules) {
    auto* content = std::get_if<config_value::map>(&rules.value.data);
    if (content == nullptr)
      return problem(rules.position, "`maintenance." + rules.key + "` holds rules: " + rules.key +
                                       " { name { path = \"/directory\" } }");
    auto& values = result_.values.maintenance;
    for (auto& entry : content->entries)
      if (rules.key == "cleanup")
        read_named("maintenance.cleanup", "rule", "path = \"/directory\", older-than = 720h", entry, cleanup_options(),
                   values.cleanup);
      else
        read_named("maintenance.rotate", "rule", "path = \"/var/log/program\"", entry, rotation_options(),
                   values.rotate);
  }

  /// Reads `name { option = value }` into `all`; `kind` and `example` are for the sentence when it is something else.
  template <class Named>
  void read_named(const std::string& section, const std::string& kind, const std::string& example,
                  const config_entry& entry, const std::vector<named_option<Named>>& table,
                  std::map<std::string, Named>& all) {
    auto prefix = section + "." + entry.key;
    auto* content = std::get_if<config_value::map>(&entry.value.data);
    if (content == nullptr)
      return problem(entry.position,
                     "`" + prefix + "` must be a " + kind + ": " + entry.key + " { " + example + " }");
    if (duplicate(prefix, entry))
      return;
    positions_[prefix] = entry.position;
    auto& target = all[entry.key];
    for (auto& option : content->entries)
      read_named_option(prefix, kind, option, table, target);
  }

  template <class Named>
  void read_named_option(const std::string& prefix, const std::string& kind, const config_entry& entry,
                         const std::vector<named_option<Named>>& table, Named& target) {
    auto known = std::find_if(table.begin(), table.end(), [&](auto& one) { return one.name == entry.key; });
    auto name = prefix + "." + entry.key;
    if (known == table.end()) {
      std::vector<std::string> names;
      for (auto& one : table)
        names.emplace_back(one.name);
      auto dashes = dashed(entry.key);
      if (std::find(names.begin(), names.end(), dashes) != names.end())
        return problem(entry.position,
                       "`" + entry.key + "` is not an option: names have dashes, write `" + dashes + "`");
      return problem(entry.position, or_nearest("`" + name + "` is not an option of a " + kind, dashes, names));
    }
    if (duplicate(name, entry))
      return;
    // A refused argv is not missing as well.
    positions_[name] = entry.value.position;
    auto wrong = assign(known->field(target), known->rules, entry.value);
    if (!wrong.empty()) {
      refused_.insert(name);
      problem(entry.value.position, "`" + name + "` " + wrong);
    }
  }

  // -- environment and command line -------------------------------------------------------------------------------

  void set_text(const option& which, const std::string& text, const std::string& source) {
    auto name = std::string{which.name};
    auto wrong = set_option(which, result_.values, text);
    if (!wrong.empty()) {
      result_.problems.push_back({{}, 0, 0, source + ": `" + name + "` " + wrong});
      return;
    }
    result_.sources[name] = source;
    positions_.erase(name);
  }

  void read_environment(const std::map<std::string, std::string>& environment) {
    std::set<std::string> known;
    for (auto& one : options()) {
      auto read = [&](const std::string& variable) -> const std::string* {
        known.insert(variable);
        auto found = environment.find(variable);
        return found == environment.end() || found->second.empty() ? nullptr : &found->second;
      };
      auto variable = environment_name(one);
      auto seed_variable = one.seed_variable.empty() ? variable : std::string{one.seed_variable};
      auto* seed_text = read(seed_variable);
      auto* text = read(variable);
      if (text && seed_text && *text != *seed_text)
        result_.problems.push_back(
          {{}, 0, 0, "environment " + variable + ": contradicts " + seed_variable + ": set one of them"});
      if (text)
        set_text(one, *text, "environment " + variable);
      else if (seed_text)
        set_text(one, *seed_text, "environment " + seed_variable);
    }
    // Other parts and other programs have variables of this prefix, too: only likely mistakes are worth a word.
    for (auto& [variable, text] : environment)
      if (variable.compare(0, variable_prefix.size(), variable_prefix) == 0 && known.count(variable) == 0)
        warn_of_variable(variable, {known.begin(), known.end()});
  }

  void warn_of_variable(const std::string& variable, const std::vector<std::string>& known) {
    auto rest = variable.substr(variable_prefix.size());
    std::vector<std::string> endings;
    for (auto& name : known)
      endings.push_back(name.substr(variable_prefix.size()));
    if (auto nearest = nearest_name(rest, endings))
      result_.warnings.push_back({{},
                                  0,
                                  0,
                                  "environment " + variable + ": is not an option and has no effect; did you mean " +
                                    std::string{variable_prefix} + *nearest + "?"});
  }

  void read_command_line(const std::map<std::string, std::string>& command_line) {
    for (auto& [name, text] : command_line) {
      if (name == "http" || name == "caf")
        set_address(name, text);
      else if (auto* known = find_option(name))
        set_text(*known, text, "command line " + flag_name(*known));
      else
        result_.problems.push_back({{}, 0, 0, "command line: `" + name + "` is not an option"});
    }
  }

  /// ADDRESS:PORT, [ADDRESS]:PORT or ADDRESS.
  void set_address(const std::string& section, const std::string& text) {
    auto source = "command line --" + section;
    auto close = text.find(']');
    bool bracketed = !text.empty() && text.front() == '[' && close != std::string::npos;
    auto colon = text.find(':', bracketed ? close : 0);
    if (!bracketed && std::count(text.begin(), text.end(), ':') > 1)
      colon = std::string::npos; // an IPv6 address without a port
    auto address = bracketed ? text.substr(1, close - 1) : text.substr(0, colon);
    if (address.empty() || (colon != std::string::npos && colon + 1 == text.size())) {
      result_.problems.push_back({{}, 0, 0, source + ": must be ADDRESS:PORT or [ADDRESS]:PORT, not \"" + text + "\""});
      return;
    }
    set_text(*find_option(section + ".address"), address, source);
    if (colon != std::string::npos)
      set_text(*find_option(section + ".port"), text.substr(colon + 1), source);
  }

  // -- all together -----------------------------------------------------------------------------------------------

  void check() {
    auto& http = result_.values.http;
    if (result_.sources["http.max-long-requests"] == "default")
      http.max_long_requests = std::max(1u, http.threads / 4 * 3);
    http.address = resolved_address(http.address);
    result_.values.caf.address = resolved_address(result_.values.caf.address);
    for (auto& finding : check_settings(result_.values)) {
      if (refused_.count(finding.name) != 0)
        continue;
      auto& target = finding.fatal ? result_.problems : result_.warnings;
      target.push_back(located(finding));
    }
  }

  /// At the value that the finding is about; at its command when that has no such option.
  config_problem located(const check_finding& finding) const {
    auto name = finding.name;
    auto position = positions_.find(name);
    if (position == positions_.end())
      position = positions_.find(name.substr(0, name.rfind('.')));
    auto message = "`" + name + "` " + finding.message;
    if (position != positions_.end())
      return {file_, position->second.line, position->second.column, message};
    auto source = result_.sources.find(name);
    if (source == result_.sources.end() || source->second == "default")
      return {{}, 0, 0, message};
    return {{}, 0, 0, source->second + ": " + message};
  }

  load_result result_;
  std::string file_;
  std::map<std::string, config_position> positions_; ///< of values that came from the file
  std::map<std::string, unsigned> seen_;             ///< name -> line
  std::set<std::string> refused_;
};

} // namespace

std::string config_problem::to_string() const {
  if (file.empty())
    return message;
  auto place = line == 0 ? file : file + ":" + std::to_string(line) + ":" + std::to_string(column);
  return place + ": " + message;
}

load_result load_settings(const std::string& file, const std::map<std::string, std::string>& environment,
                          const std::map<std::string, std::string>& command_line) {
  return loader{}.run(file, environment, command_line);
}

std::map<std::string, std::string> process_environment() {
  std::map<std::string, std::string> result;
  for (auto entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    std::string_view text{*entry};
    auto equals = text.find('=');
    if (equals != std::string_view::npos)
      result.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return result;
}

} // namespace overwatch
