#pragma once

#include "tests/support/process/scratch_directory.hpp"

#include <cstdint>
#include <string>

namespace overwatch {

/// A file system in memory with little room, which can really be full. Needs root. (Nothing there survives a power
/// loss; it shows what a full and a killed node do.) One thread.
class small_disk {
public:
  /// Throws std::runtime_error that says why when it cannot be mounted here.
  explicit small_disk(unsigned megabytes = 96);
  ~small_disk();

  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;

  std::string data_directory() const { return place_.path() + "/data"; }
  uint64_t free_bytes() const;

  /// Takes all space but `left` bytes, while a node may take some too. Throws std::runtime_error.
  void fill(uint64_t left);

  /// Gives back what `fill` took.
  void free();

  /// The file that takes the space; it is there while the disk is filled.
  std::string ballast() const { return place_.path() + "/ballast"; }

private:
  support::scratch_directory place_;
};

} // namespace overwatch
