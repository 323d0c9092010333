#pragma once

#include "messages/time.hpp"
#include "runtime/rules/script_value.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace overwatch {

/// What one chunk may use.
struct sandbox_limits {
  uint64_t instructions = 1'000'000;       ///< of Lua's machine; a call counts as one, work in patterns is added
  size_t memory_bytes = 8 * 1024 * 1024;   ///< of all values, with the 100 KB that the libraries take
  milliseconds time{1'000};                ///< of the processor
  size_t printed_lines = 100;
  size_t printed_bytes = 16 * 1024;
  size_t line_bytes = 1'024;               ///< of an error, or of a printed line
  size_t result_values = 100'000;
  size_t result_bytes = 4 * 1024 * 1024;   ///< text in the result
};

/// Runs chunks of Lua 5.4 that nobody has looked at. A chunk sees what it is given, the functions of `string`,
/// `table`, `math` and `utf8`, and the basic ones; no files, programs, environment, clock, other chunks or byte code.
/// Whatever it does, it ends within its limits and harms nothing but itself. Not thread-safe; keeps nothing between
/// runs.
class lua_sandbox {
public:
  enum class form : uint8_t { chunk, expression }; ///< an expression may be a chunk, too

  explicit lua_sandbox(sandbox_limits limits = {}) : limits_{limits} {}

  /// Does `text` compile? Empty, or a sentence that begins with `name:line:`.
  std::string compile(const std::string& name, const std::string& text, form how) const;

  struct outcome {
    script_value result; ///< the first value that the chunk returns
    std::string error;   ///< empty, or a sentence with `name:line:` where that is known
    std::vector<std::string> printed;
  };

  /// Runs `text` with `globals`.
  outcome run(const std::string& name, const std::string& text, form how,
              const std::map<std::string, script_value>& globals) const;

private:
  sandbox_limits limits_;
};

} // namespace overwatch
