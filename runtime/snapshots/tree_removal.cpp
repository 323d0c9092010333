#include "runtime/snapshots/tree_removal.hpp"

#include "runtime/snapshots/descriptor.hpp"
#include "runtime/snapshots/metadata.hpp"
#include "runtime/snapshots/places.hpp"
#include "runtime/snapshots/trouble.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace overwatch::snapshots {

namespace {

/// Deeper directorys are moved up before they are emptied: a program may nest them deeper than there are descriptors.
constexpr unsigned max_depth = 64;

class remover {
public:
  remover(const std::string& path, const std::function<bool()>& stop) : path_{path}, stop_{stop} {}

  void remove(int directory, const std::string& name, unsigned depth) {
    check_stopped(stop_);
    if (::unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT)
      return;
    struct stat st {};
    if (::fstatat(directory, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode))
      fail("remove", path_);
    if (::unlinkat(directory, name.c_str(), AT_REMOVEDIR) == 0)
      return;
    if (errno != ENOTEMPTY && errno != EEXIST)
      fail("remove", path_);
    auto inside = open_writable_directory(directory, name);
    if (!inside)
      fail("remove", path_);
    if (depth == max_depth)
      return move_up(directory, name);
    if (depth == 0)
      top_ = inside.get();
    auto moved_before = moved_;
    do {
      moved_before = moved_;
      for (const auto& x : names_in(inside.get(), path_))
        remove(inside.get(), x, depth + 1);
    } while (depth == 0 && moved_ > moved_before); // again: deep ones were moved up into it
    if (::unlinkat(directory, name.c_str(), AT_REMOVEDIR) != 0)
      fail("remove", path_);
  }

private:
  void move_up(int directory, const std::string& name) {
    std::string aside;
    do
      aside = ".overwatch-removed-" + std::to_string(++moved_);
    while (::renameat(directory, name.c_str(), top_, aside.c_str()) != 0 && (errno == ENOTEMPTY || errno == EEXIST));
    struct stat st {};
    if (::fstatat(directory, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0)
      fail("remove", path_, EBUSY);
  }

  const std::string& path_;
  const std::function<bool()>& stop_;
  int top_ = -1;
  uint64_t moved_ = 0;
};

} // namespace

void remove_tree(int directory, const std::string& name, const std::string& path, const std::function<bool()>& stop) {
  remover{path, stop}.remove(directory, name, 0);
}

} // namespace overwatch::snapshots
