#pragma once

#include <iosfwd>
#include <stdexcept>
#include <string>
#include <string_view>

namespace overwatch::cli {

/// How a command ends; the numbers are part of the interface (README, `overwatch --help`).
enum class exit_code : int {
  good = 0,
  failed = 1,      ///< the command did its work and the answer is bad: a task failed, a check did not hold
  usage = 2,       ///< the command line or the configuration is wrong
  unreachable = 3, ///< no node answers
  refused = 4,     ///< the node refused the request (4xx)
  server = 5       ///< the node could not do it (5xx), or not in time
};

/// Ends a command; `what()` says on standard error what is wrong and the way out. Thrown only inside
/// `runtime/cli`, caught once in `run_cli`.
class command_failure : public std::runtime_error {
public:
  command_failure(exit_code code, const std::string& message) : std::runtime_error{message}, code{code} {}

  exit_code code;
};

/// Where a command reads and writes, and what the terminal behind `out` can do.
struct console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool terminal = false; ///< live views redraw; else they print lines
  bool colours = false;  ///< a terminal, and neither NO_COLOR nor --no-color
  size_t width = 0;      ///< columns; 0: no limit
};

/// Standard input, output and error of this process.
console standard_console();

/// Columns and rows of the terminal on standard output now; 80 and 24 when it does not say.
struct terminal_size {
  size_t columns = 80;
  size_t rows = 24;
};
terminal_size current_terminal_size();

enum class colour { plain, bold, dim, red, green, yellow, blue, cyan };

/// `text` between the escape sequences of `shade`, or as it is when the console shows no colours.
std::string paint(const console& console, colour shade, std::string_view text);

/// The colour in which a task's status is shown.
colour colour_of_status(std::string_view status);

} // namespace overwatch::cli
