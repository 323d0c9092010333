#pragma once

#include <functional>
#include <map>
#include <string>

namespace overwatch {

/// Makes a function that measures this machine for gates and rules: `cpu_percent` since the call before (or since
/// it was made), `memory_percent`, `disk_percent` of the file system that holds `data_dir`, `load_per_core`. Where
/// the node's control groups have a limit, the share of that counts when it is the larger one. What cannot be read
/// is left out; so is the CPU before any time was counted. Calls never wait and may come from any thread; those
/// that follow each other at once see the same CPU. `root` is where the file system of the machine begins.
std::function<std::map<std::string, double>()> make_host_sampler(std::string data_dir, std::string root = {});

} // namespace overwatch
