#pragma once

#include <functional>
#include <string>

namespace overwatch::snapshots {

/// Removes what stands at `name`, a whole tree if it is a directory, and follows no symbolic link. Nothing there is no
/// error. `path` is for the sentences of `trouble`, which it throws, also when `stop` says so.
void remove_tree(int directory, const std::string& name, const std::string& path, const std::function<bool()>& stop);

} // namespace overwatch::snapshots
