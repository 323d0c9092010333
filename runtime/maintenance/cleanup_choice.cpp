#include "runtime/maintenance/cleanup_choice.hpp"

#include <fnmatch.h>

namespace overwatch::maintenance {

bool matches(const cleanup_rule& rule, const std::string& path) {
  auto whole = rule.glob.find('/') != std::string::npos;
  auto name = whole ? path : path.substr(path.rfind('/') + 1);
  return ::fnmatch(rule.glob.c_str(), name.c_str(), FNM_PATHNAME) == 0;
}

bool newest_files::newer::operator()(const place& x, const place& y) const {
  return x.first != y.first ? x.first > y.first : x.second < y.second;
}

void newest_files::add(const seen_file& file) {
  if (count_ == 0)
    return;
  kept_.emplace(file.changed, file.path);
  if (kept_.size() > count_)
    kept_.pop();
}

bool newest_files::keeps(const seen_file& file) const {
  if (count_ == 0)
    return false;
  return kept_.size() < count_ || !newer{}(kept_.top(), place{file.changed, file.path});
}

choice choose(const cleanup_rule& rule, const seen_file& file, const newest_files& newest, timestamp now) {
  if (newest.keeps(file))
    return choice::among_newest;
  if (rule.older_than.count() > 0 && file.changed > now - rule.older_than)
    return choice::too_young;
  if (rule.larger_than_mb > 0 && file.size <= uint64_t{rule.larger_than_mb} << 20)
    return choice::too_small;
  return choice::remove;
}

} // namespace overwatch::maintenance
