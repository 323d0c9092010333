#pragma once

#include "actors/handler.hpp"

#include <memory>
#include <string>
#include <vector>

namespace overwatch {

/// An attempt as a pool would make it, with everything that the handler reports.
struct attempt {
  explicit attempt(std::string payload, std::string name = "a task", std::vector<parent_result> parents = {},
                   std::shared_ptr<node_services> services = nullptr) {
    auto spec = std::make_shared<task_spec>();
    spec->id = task_id_generator{1}.next(now(), 0);
    spec->name = std::move(name);
    context = std::make_unique<attempt_context>(spec, std::make_shared<const std::string>(std::move(payload)),
                                                fencing_token{1, 3}, stop, report, std::move(parents),
                                                std::move(services));
  }

  std::shared_ptr<cancellation> stop = std::make_shared<cancellation>();
  std::shared_ptr<attempt_report> report = std::make_shared<attempt_report>();
  std::unique_ptr<attempt_context> context;
};

/// The texts of the lines with this level, joined by newlines.
inline std::string lines_at(const attempt_report::content& content, log_level level) {
  std::string result;
  for (const auto& line : content.lines)
    if (line.level == level)
      result += line.message + "\n";
  return result;
}

} // namespace overwatch
