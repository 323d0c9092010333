#include "runtime/backup/problem_list.hpp"

#include "runtime/backup/failure.hpp"

namespace overwatch::backup {

void problem_list::add(problem_kind kind, const std::string& path, const std::string& reason) {
  ++counts_[static_cast<size_t>(kind)];
  ++total_;
  problem x{kind, path, reason};
  if (total_ <= max_kept) {
    first_.push_back(std::move(x));
    return;
  }
  if (total_ == max_kept + 1) {
    file_ = where_.create_report(name_, report_);
    if (!file_)
      report_.clear();
    for (const auto& before : first_)
      write(before);
  }
  write(x);
}

/// A report that cannot be written keeps nothing else from being done.
void problem_list::write(const problem& x) {
  if (!file_)
    return;
  try {
    write_all(file_.get(), std::string{name_of(x.kind)} + "\t" + x.path + "\t" + x.reason + "\n", report_);
  } catch (const backup_failed&) {
    file_ = {};
  }
}

} // namespace overwatch::backup
