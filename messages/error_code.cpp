#include "messages/error_code.hpp"

#include <caf/message.hpp>
#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>

namespace overwatch {

std::string to_string(ec code) {
  switch (code) {
    case ec::none:
      return "none";
    case ec::invalid:
      return "invalid";
    case ec::unknown_type:
      return "unknown_type";
    case ec::not_found:
      return "not_found";
    case ec::conflict:
      return "conflict";
    case ec::overloaded:
      return "overloaded";
    case ec::no_space:
      return "no_space";
    case ec::unavailable:
      return "unavailable";
    case ec::timed_out:
      return "timed_out";
    case ec::too_large:
      return "too_large";
    case ec::internal:
      return "internal";
    case ec::not_leader:
      return "not_leader";
  }
  return "unknown";
}

caf::error make_error(ec code, std::string message, std::string field) {
  return caf::make_error(code, std::move(field), std::move(message));
}

caf::error make_error(const failure& x) {
  return make_error(x.code, x.message, x.field);
}

failure describe(const caf::error& error) {
  if (!error)
    return {};
  if (error.category() == caf::atom("overwatch")) {
    failure result{static_cast<ec>(error.code()), {}, {}};
    const auto& context = error.context();
    if (context.match_elements<std::string, std::string>()) {
      result.field = context.get_as<std::string>(0);
      result.message = context.get_as<std::string>(1);
    }
    return result;
  }
  if (error == caf::sec::request_timeout)
    return {ec::timed_out, {}, "no answer in time; whether it was done is unknown: ask again with the same id"};
  if (error == caf::sec::request_receiver_down || error.category() == caf::atom("exit"))
    return {ec::timed_out, {}, "the component that answers this has stopped; whether it was done is unknown: look, or ask "
                               "again with the same id"};
  return {ec::internal, {}, "unexpected error of the messaging layer, code " + std::to_string(error.code())};
}

} // namespace overwatch
