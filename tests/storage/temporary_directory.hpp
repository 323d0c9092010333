#pragma once

#include "messages/error_code.hpp"
#include "runtime/storage/rocks_store.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <string>

namespace overwatch::test {

/// A new, empty directory that is removed with the object.
class temporary_directory {
public:
  explicit temporary_directory(const std::filesystem::path& parent = std::filesystem::temp_directory_path());
  ~temporary_directory();
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;

  /// A path in it where nothing is yet.
  std::string inside(const std::string& name) const { return (path_ / name).string(); }

  std::string path() const { return path_.string(); }

private:
  std::filesystem::path path_;
};

/// Where files are in memory, if there is such a place: enough where nothing is lost but processes, and faster.
std::filesystem::path place_in_memory();

/// Opens with little memory, so that tests reach flushes soon; throws std::runtime_error with the sentence of an
/// error.
std::unique_ptr<rocks_store> open_small(const std::string& directory);

/// The error of an attempt to open; `ec::none` when it succeeded.
failure refusal_of(const std::string& directory);

/// Every file below `directory` with its bytes.
std::map<std::string, std::string> files_of(const std::string& directory);

/// Replaces a file.
void overwrite(const std::filesystem::path& file, const std::string& bytes);

} // namespace overwatch::test
