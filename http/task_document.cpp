#include "http/task_document.hpp"

#include "http/task_reader.hpp"

namespace overwatch {

caf::expected<submission> task_of_json(const std::string& json) {
  std::optional<http::syntax_error> syntax;
  http::error_list errors;
  auto task = http::parse_task(json, now(), syntax, errors);
  if (task)
    return std::move(*task);
  if (syntax)
    return make_error(ec::invalid, syntax->message);
  const auto& first = errors.errors().front();
  return make_error(ec::invalid, first.message, first.field);
}

} // namespace overwatch
