#include "tests/storage/temporary_directory.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace fs = std::filesystem;

namespace overwatch::test {

namespace {

constexpr rocks_store_options small_memory{4, 4};

} // namespace

temporary_directory::temporary_directory(const fs::path& parent) {
  auto name = (parent / "overwatch-storage-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    throw std::runtime_error("cannot create " + name);
  path_ = name;
}

temporary_directory::~temporary_directory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path place_in_memory() {
  fs::path memory{"/dev/shm"};
  return fs::is_directory(memory) ? memory : fs::temp_directory_path();
}

std::unique_ptr<rocks_store> open_small(const std::string& directory) {
  auto opened = open_rocks_store(directory, small_memory);
  if (!opened)
    throw std::runtime_error(describe(opened.error()).message);
  return std::move(*opened);
}

failure refusal_of(const std::string& directory) {
  auto opened = open_rocks_store(directory, small_memory);
  return opened ? failure{} : describe(opened.error());
}

std::map<std::string, std::string> files_of(const std::string& directory) {
  std::map<std::string, std::string> result;
  for (const auto& entry : fs::recursive_directory_iterator{directory}) {
    if (!entry.is_regular_file())
      continue;
    std::ifstream in{entry.path(), std::ios::binary};
    result.emplace(entry.path().string(),
                   std::string{std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}});
  }
  return result;
}

void overwrite(const fs::path& file, const std::string& bytes) {
  std::ofstream{file, std::ios::binary | std::ios::trunc} << bytes;
}

} // namespace overwatch::test
