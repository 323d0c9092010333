#include "tests/backup/backup_fixture.hpp"

#include <filesystem>
#include <random>

namespace fs = std::filesystem;

namespace overwatch::backup {

repository BackupFixture::open(bool exclusive) const {
  repository_access access;
  access.path = destination();
  access.secret = secret;
  access.exclusive = exclusive;
  access.create = exclusive;
  access.purpose = "a test";
  return repository{access};
}

void BackupFixture::remember(const problem_list& list) {
  problems = list.first();
  report = list.report();
  for (size_t i = 0; i < problem_counts.size(); ++i)
    problem_counts[i] = list.count(static_cast<problem_kind>(i));
}

manifest BackupFixture::create() {
  auto repository = open();
  problem_list list{repository, "create.txt"};
  auto full = options;
  if (full.sources.empty() && full.dumps.empty())
    full.sources = {tree()};
  full.host = "here";
  auto result = create_backup(repository, full, list);
  remember(list);
  return result;
}

verify_counts BackupFixture::verify() {
  auto repository = open(false);
  problem_list list{repository, "verify.txt"};
  auto result = verify_repository(repository, {}, {}, list);
  remember(list);
  return result;
}

restore_counts BackupFixture::restore(const std::string& id) {
  auto repository = open(false);
  problem_list list{repository, "restore.txt"};
  auto full = restoring;
  if (full.target.empty())
    full.target = target();
  auto result = restore_backup(repository, repository.read_backup(id), full, list);
  remember(list);
  return result;
}

std::string BackupFixture::restored_difference() {
  test::remove_all(target());
  restore();
  return difference(image_of(tree()), image_of(restored())) + problems_text();
}

prune_result BackupFixture::prune(const keep_rules& keep, std::vector<std::string> remove) {
  auto repository = open();
  problem_list list{repository, "prune.txt"};
  prune_options pruning;
  pruning.keep = keep;
  pruning.remove = std::move(remove);
  auto result = prune_repository(repository, pruning, list);
  remember(list);
  return result;
}

std::string BackupFixture::problems_text() const {
  std::string result;
  for (const auto& x : problems)
    result += std::string{name_of(x.kind)} + " " + x.path + ": " + x.reason + "\n";
  return result;
}

uint64_t BackupFixture::bytes_in(const std::string& path) {
  uint64_t result = 0;
  for (const auto& x : fs::recursive_directory_iterator{path})
    if (x.is_regular_file())
      result += x.file_size();
  return result;
}

std::vector<std::string> BackupFixture::packs() const {
  std::vector<std::string> result;
  for (const auto& x : fs::directory_iterator{destination() + "/packs"})
    result.push_back(x.path().string());
  std::sort(result.begin(), result.end());
  return result;
}

std::string random_text(size_t size, uint64_t seed) {
  std::mt19937_64 random{seed};
  std::string result(size, '\0');
  for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
    auto bytes = random();
    std::memcpy(result.data() + i, &bytes, std::min(sizeof(bytes), size - i));
  }
  return result;
}

} // namespace overwatch::backup
