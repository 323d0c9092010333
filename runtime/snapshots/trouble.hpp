#pragma once

#include "messages/error_code.hpp"

#include <cerrno>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

namespace overwatch::snapshots {

/// Ends an operation from wherever it is. Never leaves this library: the store turns it into a failure.
class trouble : public std::exception {
public:
  trouble(ec code, std::string message, bool retryable)
    : what_{code, "/snapshot/files", std::move(message)}, retryable_{retryable} {}

  const failure& reason() const { return what_; }
  bool retryable() const { return retryable_; }
  const char* what() const noexcept override { return what_.message.c_str(); }

private:
  failure what_;
  bool retryable_;
};

/// The tree is not what it was a moment ago: the capture may begin again.
class tree_changed : public trouble {
public:
  explicit tree_changed(const std::string& path)
    : trouble{ec::conflict,
              "'" + path + "' kept changing while it was captured: nothing else may write to a scope then", true} {}
};

/// `what` is a verb: "cannot <what> '<path>': <reason>".
[[noreturn]] inline void fail(const std::string& what, const std::string& path, int error = errno) {
  auto message = "cannot " + what + " '" + path + "': " + std::generic_category().message(error);
  if (error == ENOSPC || error == EDQUOT)
    throw trouble{ec::no_space, message + "; free some space and try again", true};
  auto forbidden = error == EACCES || error == EPERM;
  throw trouble{forbidden ? ec::invalid : ec::unavailable, std::move(message), !forbidden};
}

} // namespace overwatch::snapshots
