#pragma once

#include "tests/bench/interrupt.hpp"

#include <chrono>
#include <cstdint>
#include <string>

/// A tree of files to copy, and how long that takes.
namespace overwatch::bench {

/// Half of it in large files, a quarter each in medium and small ones.
void build_tree(const std::string& path, uint64_t bytes);

/// Writes into one of a hundred small files.
void damage_tree(const std::string& path);

/// Makes everything on that file system durable; so each way to copy is judged with what it has left unwritten.
void sync_disk(const std::string& path);

template <class Body>
double seconds_of(const std::string& disk, Body body) {
  check_interrupted();
  sync_disk(disk); // what was before does not count
  auto start = std::chrono::steady_clock::now();
  body();
  sync_disk(disk);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

} // namespace overwatch::bench
