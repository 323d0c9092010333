#include "runtime/maintenance/details_file.hpp"

#include <algorithm>
#include <filesystem>
#include <vector>

#include <sys/stat.h>

namespace fs = std::filesystem;

namespace overwatch::maintenance {

void details_file::add(const boost::json::object& line) {
  if (lines_ == 0 && !failed_) {
    ::mkdir(directory_.c_str(), 0700); // it may be there
    out_.open(directory_ + "/" + name_);
  }
  if (failed_ || lines_ >= max_lines || !(out_ << line << '\n')) {
    failed_ = failed_ || !out_;
    ++dropped_;
    return;
  }
  ++lines_;
}

removed_details remove_old_details(const std::string& directory, bool dry_run) {
  removed_details result;
  std::vector<fs::path> files; // their names are ids: they sort by time
  std::error_code failed;
  for (auto i = fs::directory_iterator{directory, failed}; !failed && i != fs::directory_iterator{};
       i.increment(failed))
    if (i->path().extension() == ".jsonl")
      files.push_back(i->path());
  std::sort(files.begin(), files.end());
  for (size_t i = 0; i + details_file::kept_files <= files.size(); ++i) {
    auto size = fs::file_size(files[i], failed);
    if (failed || (!dry_run && !fs::remove(files[i], failed)))
      continue;
    ++result.files;
    result.bytes += size;
  }
  return result;
}

} // namespace overwatch::maintenance
