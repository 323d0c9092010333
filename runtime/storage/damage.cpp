#include "runtime/storage/damage.hpp"

#include "runtime/storage/rocks_database.hpp"

#include <rocksdb/convenience.h>
#include <rocksdb/env.h>
#include <rocksdb/metadata.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace fs = std::filesystem;

namespace overwatch {

namespace {

// RocksDB's log format: blocks of 32 KiB; a record has 4 bytes of masked CRC-32C (over the type and the
// payload), 2 of length, 1 of type, and never crosses the end of its block.
constexpr size_t block_bytes = 32 * 1024;
constexpr size_t header_bytes = 7;

class silent_logger final : public rocksdb::Logger {
public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

uint32_t crc32c(const char* data, size_t size) {
  static const auto table = [] {
    std::array<uint32_t, 256> result{};
    for (uint32_t i = 0; i < result.size(); ++i) {
      auto x = i;
      for (int bit = 0; bit < 8; ++bit)
        x = (x >> 1) ^ ((x & 1) != 0 ? 0x82F63B78U : 0U);
      result[i] = x;
    }
    return result;
  }();
  uint32_t crc = ~0U;
  for (size_t i = 0; i < size; ++i)
    crc = table[(crc ^ static_cast<uint8_t>(data[i])) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

size_t byte_at(const std::string& block, size_t offset) { return static_cast<uint8_t>(block[offset]); }

size_t length_at(const std::string& block, size_t offset) {
  return byte_at(block, offset + 4) | byte_at(block, offset + 5) << 8;
}

/// True when the header at `offset` fits a payload of `length` bytes behind it.
bool is_record(const std::string& block, size_t offset, size_t length) {
  if (offset + header_bytes + length > block.size())
    return false;
  uint32_t stored = 0;
  for (size_t i = 0; i < 4; ++i)
    stored |= static_cast<uint32_t>(byte_at(block, offset + i)) << (8 * i);
  auto crc = crc32c(block.data() + offset + 6, length + 1);
  return stored == ((crc >> 15) | (crc << 17)) + 0xA282EAD8U;
}

/// The last, incomplete block; empty when the file ends with a block.
std::string last_block(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  in.seekg(0, std::ios::end);
  auto size = static_cast<size_t>(std::max<std::streamoff>(in.tellg(), 0));
  in.seekg(static_cast<std::streamoff>(size - size % block_bytes));
  return {std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
}

std::optional<std::string> find_damaged_tail(const fs::path& directory) {
  std::error_code failed;
  for (auto i = fs::directory_iterator{directory, failed}; !failed && i != fs::directory_iterator{};
       i.increment(failed)) {
    auto name = i->path().filename().string();
    bool checked = i->path().extension() == ".log" || name.rfind("MANIFEST-", 0) == 0;
    if (checked && has_damaged_tail(last_block(i->path())))
      return "the file " + name + " has a damaged record near its end";
  }
  if (failed)
    return "its files cannot be listed: " + failed.message();
  return std::nullopt;
}

std::optional<std::string> find_damaged_table(const rocks_settings& settings, rocksdb::DB& db) {
  std::vector<rocksdb::LiveFileMetaData> files;
  db.GetLiveFilesMetaData(&files);
  std::sort(files.begin(), files.end(), [](const auto& x, const auto& y) {
    bool x_is_log = x.column_family_name == family_names[0];
    bool y_is_log = y.column_family_name == family_names[0];
    return x_is_log != y_is_log ? x_is_log : x.file_number > y.file_number;
  });
  uint64_t checked = 0;
  for (const auto& file : files) {
    checked += file.size;
    if (checked > checked_at_open_bytes)
      break;
    auto family = std::find_if(settings.families.begin(), settings.families.end(),
                               [&](const auto& x) { return x.name == file.column_family_name; });
    if (family == settings.families.end())
      return "it has an unknown column family, " + file.column_family_name;
    rocksdb::Options options{settings.database, family->options};
    auto status = rocksdb::VerifySstFileChecksum(options, rocksdb::EnvOptions{}, file.db_path + file.name);
    if (!status.ok())
      return "the file " + file.name.substr(1) + ": " + status.ToString();
  }
  return std::nullopt;
}

} // namespace

bool has_damaged_tail(const std::string& block) {
  size_t offset = 0;
  while (offset + header_bytes <= block.size()) {
    auto length = length_at(block, offset);
    if (length == 0 && byte_at(block, offset + 6) == 0)
      return false; // space that was allocated and not written
    if (offset + header_bytes + length > block.size())
      break;
    offset += header_bytes + length;
  }
  if (offset + header_bytes > block.size())
    return false;
  // The record claims more bytes than there are. Either a crash cut it off, and its bytes are the last ones; or its
  // length is damaged, and it is intact with another one, or an intact record follows it.
  if (is_record(block, offset, block.size() - offset - header_bytes))
    return true;
  for (++offset; offset + header_bytes <= block.size(); ++offset) {
    auto type = byte_at(block, offset + 6);
    if (type >= 1 && type <= 4 && is_record(block, offset, length_at(block, offset)))
      return true;
  }
  return false;
}

std::optional<std::string> find_damage(const rocks_settings& settings, const std::string& path) {
  if (auto damage = find_damaged_tail(path))
    return damage;
  auto quiet = settings;
  quiet.database.info_log = std::make_shared<silent_logger>(); // or this look would begin a file LOG
  rocks_database database;
  auto status = database.open(quiet, path, rocks_database::mode::read_only);
  if (!status.ok())
    return status.ToString();
  return find_damaged_table(quiet, *database.db);
}

} // namespace overwatch
