#pragma once

#include "config/settings.hpp"
#include "config/values.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace overwatch {

/// One setting of a node. Its type is that of its field, its default that of `settings`.
struct option {
  std::string_view name; ///< in the file: `section.option`
  std::string_view unit; ///< MiB, events, ...; empty: none, or a duration
  value_ref (*field)(settings&);
  value_rules rules;
  std::string_view seed_variable; ///< an environment variable of the first Overwatch; empty: none
  std::string_view short_flag;    ///< instead of `--section-option`; empty: that one
  bool live;                      ///< PUT /config can change it while the node runs
  std::string_view meaning;       ///< a sentence without a full stop
  std::string_view cost;          ///< what more of it costs; empty: nothing worth a word
};

/// An option of something that has a name: `commands { <name> { <option> = ... } }`.
template <class Named>
struct named_option {
  std::string_view name;
  std::string_view unit;
  value_ref (*field)(Named&);
  value_rules rules;
  std::string_view meaning;
};
using command_option = named_option<named_command>;
using cleanup_option = named_option<cleanup_rule>;
using rotation_option = named_option<rotation_rule>;

/// The table that files, environment, command line, help and reference derive from, in the order of the reference.
const std::vector<option>& options();
const std::vector<command_option>& command_options();
const std::vector<cleanup_option>& cleanup_options();   ///< `maintenance { cleanup { <name> { ... } } }`
const std::vector<rotation_option>& rotation_options(); ///< `maintenance { rotate { <name> { ... } } }`

/// By its name in the file; nullptr: there is none.
const option* find_option(std::string_view name);

/// `OVERWATCH_HTTP_PORT`.
std::string environment_name(const option& which);

/// `--http-port`.
std::string flag_name(const option& which);

/// The default as the command line takes it: `8765`, `30s`.
std::string default_text(const option& which);

/// The value in `values` as the command line takes it.
std::string option_text(const option& which, const settings& values);

/// "whole number, 1 to 65535 (MiB)".
std::string type_text(const option& which);

/// For `--help`: meaning, cost, allowed values, default and environment variable in one line.
std::string help_text(const option& which);

/// Sets one option from text. Empty when it fits, otherwise what is allowed.
std::string set_option(const option& which, settings& values, std::string_view text);

/// Names of the options that PUT /config refuses.
std::vector<std::string> restart_only_options();

/// The reference of all options as Markdown tables, as README has it.
std::string options_reference();

} // namespace overwatch
