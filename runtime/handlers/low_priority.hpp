#pragma once

#include <functional>

namespace overwatch {

/// Runs `work` on a thread of its own that takes only what others leave: nice 10 and the idle class for its disk
/// accesses; what that thread starts (threads, programs) inherits both. Returns when `work` has ended, and throws what
/// it threw. A machine that refuses to lower a priority (a sandbox) does not keep the work from being done. The calling
/// thread keeps its own priority. Throws std::system_error when no thread can be started.
void run_at_low_priority(const std::function<void()>& work);

} // namespace overwatch
