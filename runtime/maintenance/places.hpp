#pragma once

#include "runtime/snapshots/descriptor.hpp"

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace overwatch::maintenance {

using snapshots::descriptor;

/// A directory that a rule works in, opened under one of the roots.
struct opened_place {
  descriptor directory;
  std::string why; ///< empty, or why it may not or cannot be worked in
};

/// Which file it is, whatever its name.
struct identity {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const identity& x) const { return device == x.device && inode == x.inode; }
};

/// Of what stands at `path`; zeros when nothing does.
identity identity_of(const std::string& path);

/// Opens the directory `path` when it lies in, or is, one of `roots`, and neither lies in nor is `spared` (the node's
/// own data). The roots may be reached through symbolic links; from a root on no link is followed and `..` is refused,
/// so nothing outside is ever opened.
opened_place open_place(const std::vector<std::string>& roots, const std::string& path, const identity& spared = {});

/// Opens the directory `name` in `parent` for reading: no link is followed, no other file system entered. Invalid and
/// errno when that is not possible (ELOOP: a link, EXDEV: a mount point).
descriptor open_below(int parent, const std::string& name);

/// The same for kernels and sandboxes without openat2.
descriptor open_below_stepwise(int parent, const std::string& name);

/// Why the node's own data are left.
inline constexpr const char* own_data = "the node's own data";

/// A sentence for errno.
std::string reason_of(int error);

} // namespace overwatch::maintenance
