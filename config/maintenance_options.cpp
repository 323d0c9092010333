#include "config/options.hpp"

/// Options of the named rules of `maintenance`.
namespace overwatch {

namespace {

const value_rules any_text{};
value_rules between(int64_t minimum, int64_t maximum) { return {minimum, maximum, {}, false}; }
value_rules one_of(std::vector<std::string_view> allowed) { return {0, 0, std::move(allowed), false}; }

} // namespace

const std::vector<cleanup_option>& cleanup_options() {
  constexpr int64_t ten_years = 10 * 365 * 86'400LL;
  static const std::vector<cleanup_option> table{
    {"path", "", [](cleanup_rule& r) -> value_ref { return &r.path; }, any_text,
     "absolute directory under one of maintenance.roots; it stays itself"},
    {"glob", "", [](cleanup_rule& r) -> value_ref { return &r.glob; }, any_text,
     "without a slash: of a file's name at any depth; with one: of its path below path"},
    {"older-than", "", [](cleanup_rule& r) -> value_ref { return &r.older_than; }, between(0, ten_years),
     "only files whose content changed last before this time; 0: any (likewise below)"},
    {"larger-than-mb", "MiB", [](cleanup_rule& r) -> value_ref { return &r.larger_than_mb; }, between(0, 1'073'741'824),
     "only files above this size"},
    {"keep-newest", "files", [](cleanup_rule& r) -> value_ref { return &r.keep_newest; }, between(0, 100'000),
     "the newest ones that match glob stay, whatever their age and size"},
    {"directories", "", [](cleanup_rule& r) -> value_ref { return &r.directories; }, one_of({"keep", "remove-empty"}),
     "whether empty directories that are as old go, too"},
  };
  return table;
}

const std::vector<rotation_option>& rotation_options() {
  static const std::vector<rotation_option> table{
    {"path", "", [](rotation_rule& r) -> value_ref { return &r.path; }, any_text,
     "absolute directory under one of maintenance.roots"},
    {"glob", "", [](rotation_rule& r) -> value_ref { return &r.glob; }, any_text, "of names in the directory itself"},
    {"max-mb", "MiB", [](rotation_rule& r) -> value_ref { return &r.max_mb; }, between(0, 1'048'576),
     "a file of this size is rotated; 0: every one that is not empty"},
    {"max-files", "files", [](rotation_rule& r) -> value_ref { return &r.max_files; }, between(1, 1000),
     "rotated files that are kept of each"},
    {"compress", "", [](rotation_rule& r) -> value_ref { return &r.compress; }, one_of({"zstd", "gzip", "none"}),
     "how rotated files are packed; with rename the newest one is not, as its writer may not be done with it"},
    {"method", "", [](rotation_rule& r) -> value_ref { return &r.method; }, one_of({"rename", "copytruncate"}),
     "copytruncate: for a writer that never opens its file again; lines written between copy and cut are lost"},
  };
  return table;
}

} // namespace overwatch
