#pragma once

#include <cerrno>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace overwatch::backup {

/// Ends an operation on a repository, with a sentence that names the thing and the way out.
class backup_failed : public std::runtime_error {
public:
  explicit backup_failed(const std::string& sentence, bool retryable = false)
    : std::runtime_error{sentence}, retryable_{retryable} {}

  /// The failure may go away by itself: a full disk, another run.
  bool retryable() const { return retryable_; }

private:
  bool retryable_;
};

/// Something in a repository is not what was written there.
class repository_damaged : public backup_failed {
public:
  using backup_failed::backup_failed;
};

/// The operation was told to stop. Not an error of any file, so it passes where those are caught.
class stopped : public std::exception {
public:
  const char* what() const noexcept override { return "it was told to stop before it was done"; }
};

/// A file of the source cannot be read: the backup goes on without it.
class source_unreadable : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

using stop_check = std::function<bool()>;

inline void check_stopped(const stop_check& stop) {
  if (stop && stop())
    throw stopped{};
}

/// `what` is a verb: "cannot <what> '<path>': <reason>".
[[noreturn]] inline void fail(const std::string& what, const std::string& path, int error = errno) {
  auto message = "cannot " + what + " '" + path + "': " + std::generic_category().message(error);
  auto full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  if (full)
    message += "; free some space and run it again: what is stored already is used then";
  throw backup_failed{message, full || error == EIO};
}

} // namespace overwatch::backup
