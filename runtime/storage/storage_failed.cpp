#include "runtime/storage/storage_failed.hpp"

#include <rocksdb/status.h>

#include <cstdio>
#include <string>
#include <unistd.h>

namespace overwatch {

void storage_failed(std::string_view what, const rocksdb::Status& status) {
  auto sentence = "overwatch: storage failed: " + std::string{what} + ": " + status.ToString() +
                  ". The node ends here so that nothing is lost: what was acknowledged is on the disk. Check the disk"
                  " (kernel log, SMART), then start the node again; it refuses to start if its files are damaged.\n";
  std::fputs(sentence.c_str(), stderr);
  std::fflush(stderr);
  ::_exit(storage_failed_exit_status);
}

bool is_no_space(const rocksdb::Status& status) { return status.IsNoSpace(); }

} // namespace overwatch
