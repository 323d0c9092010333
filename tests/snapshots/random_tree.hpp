#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace overwatch::test {

/// Builds trees of every kind of thing, and damages them as a program gone wrong would. The same seed does the same.
class random_tree {
public:
  random_tree(std::string path, uint64_t seed) : path_{std::move(path)}, random_{seed} {}

  /// About `entries` of them, with modes, times, links, holes and attributes.
  void build(unsigned entries);

  /// So many changes: create, delete, rename, overwrite in place, truncate, replace by another kind, link, change mode,
  /// owner or attributes, and put times back.
  void damage(unsigned changes);

private:
  void create(const std::string& path);
  void change(const std::string& path);
  void overwrite_in_place(const std::string& path);
  std::string any();
  std::string any_directory();
  std::string new_name();
  uint64_t below(uint64_t bound) { return random_() % bound; }
  std::string content();

  std::string path_;
  std::mt19937_64 random_;
  unsigned names_ = 0;
  unsigned always_allowed_ = 0; // permission bits that every mode has
};

} // namespace overwatch::test
