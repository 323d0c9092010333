#pragma once

#include <caf/atom.hpp>
#include <caf/error.hpp>
#include <caf/make_message.hpp>
#include <caf/message.hpp>

#include <cstdint>
#include <string>

namespace overwatch {

/// What can go wrong between a client and the runtime. HTTP status codes are derived from these.
enum class ec : uint8_t {
  none,
  invalid,      ///< the content of a request is wrong; names the field
  unknown_type, ///< no handler, declared type or worker has this task type
  not_found,
  conflict,     ///< the task's status does not allow it
  overloaded,   ///< too much in flight; try again soon
  no_space,     ///< the disk is full; nothing was lost, new work is refused until space returns
  unavailable,  ///< no leader, starting or stopping: nothing was done, but what the message says; try again soon
  timed_out,    ///< no answer in time, or from nobody any more; the outcome is unknown, retry with the same id
  too_large,
  internal,     ///< a broken invariant
  not_leader,   ///< another node leads what the request is about: nothing was done; routers ask that one
};

std::string to_string(ec code);

/// An error in a form that can be shown: what, which field (a JSON pointer, or empty), and a sentence that
/// names the value and the way out.
struct failure {
  ec code = ec::none;
  std::string field;
  std::string message;

  explicit operator bool() const { return code != ec::none; }
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, failure& x) {
  return f(x.code, x.field, x.message);
}

/// Carries a failure through CAF's error channel.
caf::error make_error(ec code, std::string message, std::string field = {});
caf::error make_error(const failure& x);

/// The reverse, for any error of CAF's: what is not ours becomes `timed_out`, also when the actor that was asked is gone,
/// which may be before or after it did what it was asked for, or `internal`.
failure describe(const caf::error& error);

} // namespace overwatch

namespace caf::detail {

template <>
struct error_factory<overwatch::ec> {
  static constexpr bool specialized = true;
  static constexpr atom_value category = atom("overwatch");

  template <class... Ts>
  static message context(Ts&&... xs) {
    return make_message(std::forward<Ts>(xs)...);
  }
};

} // namespace caf::detail
