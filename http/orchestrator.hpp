#pragma once

#include "http/router.hpp"

#include <vector>

namespace overwatch::http {

/// The dialect of the fourth published system, the execution orchestrator: `/orchestrator/submit`,
/// `/orchestrator/stats` and `/orchestrator/tasks/{id}`, at the root as its clients expect them. Its tasks are the
/// same tasks; only names and defaults differ.
std::vector<route> orchestrator_routes();

} // namespace overwatch::http
