#include "runtime/cli/console.hpp"

#include <cstdlib>
#include <iostream>
#include <sys/ioctl.h>
#include <unistd.h>

namespace overwatch::cli {

namespace {

constexpr size_t narrowest = 20; // below it a terminal reports nonsense

std::string_view escape_of(colour shade) {
  switch (shade) {
  case colour::plain:
    return "";
  case colour::bold:
    return "\x1b[1m";
  case colour::dim:
    return "\x1b[2m";
  case colour::red:
    return "\x1b[31m";
  case colour::green:
    return "\x1b[32m";
  case colour::yellow:
    return "\x1b[33m";
  case colour::blue:
    return "\x1b[34m";
  case colour::cyan:
    return "\x1b[36m";
  }
  return "";
}

} // namespace

terminal_size current_terminal_size() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < narrowest || size.ws_row == 0)
    return {};
  return {size.ws_col, size.ws_row};
}

console standard_console() {
  console result{std::cin, std::cout, std::cerr, false, false, 0};
  const char* kind = std::getenv("TERM");
  const char* no_colour = std::getenv("NO_COLOR");
  result.terminal = isatty(STDOUT_FILENO) == 1 && kind != nullptr && std::string_view{kind} != "dumb";
  result.colours = result.terminal && (no_colour == nullptr || *no_colour == '\0');
  if (result.terminal)
    result.width = current_terminal_size().columns;
  return result;
}

std::string paint(const console& console, colour shade, std::string_view text) {
  if (!console.colours || shade == colour::plain || text.empty())
    return std::string{text};
  std::string result{escape_of(shade)};
  result += text;
  result += "\x1b[0m";
  return result;
}

colour colour_of_status(std::string_view status) {
  if (status == "completed")
    return colour::green;
  if (status == "failed")
    return colour::red;
  if (status == "running")
    return colour::cyan;
  if (status == "retrying")
    return colour::yellow;
  if (status == "cancelled")
    return colour::dim;
  return colour::plain;
}

} // namespace overwatch::cli
