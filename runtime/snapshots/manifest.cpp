#include "runtime/snapshots/manifest.hpp"

#include "messages/codec.hpp"
#include "runtime/snapshots/descriptor.hpp"
#include "runtime/snapshots/trouble.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdio>
#include <string_view>

namespace overwatch::snapshots {

namespace {

constexpr std::string_view magic = "overwatch snapshot\n";
constexpr size_t checksum_bytes = 8;

/// FNV-1a with 64 bits, little-endian: finds damage, not malice.
std::string checksum(std::string_view bytes) {
  uint64_t hash = 0xCBF29CE484222325ULL;
  for (auto byte : bytes)
    hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001B3ULL;
  std::string result;
  for (size_t i = 0; i < checksum_bytes; ++i)
    result.push_back(static_cast<char>(hash >> 8 * i));
  return result;
}

[[noreturn]] void damaged(const std::string& path, const std::string& why) {
  throw trouble{ec::internal, "the snapshot '" + path + "' cannot be used: " + why, false};
}

/// A scope or a link that points nowhere would lead a restore astray.
bool is_consistent(const manifest& x) {
  for (uint32_t i = 0; i < x.entries.size(); ++i) {
    const auto& entry = x.entries[i];
    if ((entry.parent != no_entry && entry.parent >= i) || (entry.link_of != no_entry && entry.link_of >= i))
      return false;
    if (entry.name.empty() || entry.name == "." || entry.name == ".." || entry.name.find('/') != std::string::npos)
      return false;
  }
  for (const auto& scope : x.scopes)
    if (scope.top >= x.entries.size() || x.entries[scope.top].parent != no_entry)
      return false;
  return true;
}

} // namespace

std::string manifest::path_of(uint32_t entry) const {
  std::string below;
  while (entries[entry].parent != no_entry) {
    below = '/' + entries[entry].name + below;
    entry = entries[entry].parent;
  }
  for (const auto& scope : scopes)
    if (scope.top == entry)
      return scope.path + below;
  return entries[entry].name + below;
}

std::string content_name(uint32_t entry) { return "content-" + std::to_string(entry); }

void write_durably(int directory, const std::string& name, const std::string& bytes) {
  auto temporary = name + ".new";
  descriptor file{::openat(directory, temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!file)
    fail("write", temporary);
  for (size_t at = 0; at < bytes.size();) {
    auto written = ::write(file.get(), bytes.data() + at, bytes.size() - at);
    if (written < 0 && errno != EINTR)
      fail("write", temporary);
    at += written > 0 ? static_cast<size_t>(written) : 0;
  }
  if (::fsync(file.get()) != 0 || ::renameat(directory, temporary.c_str(), directory, name.c_str()) != 0 ||
      ::fsync(directory) != 0)
    fail("write", temporary);
}

std::optional<std::string> read_whole(int directory, const std::string& name) {
  descriptor file{::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!file && errno == ENOENT)
    return std::nullopt;
  struct stat st {};
  if (!file || ::fstat(file.get(), &st) != 0)
    fail("read", name);
  std::string bytes(static_cast<size_t>(st.st_size), '\0');
  for (size_t at = 0; at < bytes.size();) {
    auto got = ::read(file.get(), bytes.data() + at, bytes.size() - at);
    if (got < 0 && errno != EINTR)
      fail("read", name);
    if (got == 0)
      bytes.resize(at);
    at += got > 0 ? static_cast<size_t>(got) : 0;
  }
  return bytes;
}

void write_manifest(int directory, const manifest& x) {
  auto body = overwatch::encode(x);
  std::string bytes{magic};
  bytes += checksum(body);
  bytes += body;
  write_durably(directory, manifest_name, bytes);
}

std::optional<manifest> read_manifest(int directory, const std::string& path) {
  auto bytes = read_whole(directory, manifest_name);
  if (!bytes)
    return std::nullopt;
  std::string_view all{*bytes};
  if (all.substr(0, magic.size()) != magic || all.size() < magic.size() + checksum_bytes)
    damaged(path, "its manifest is damaged (it does not begin as one)");
  auto body = all.substr(magic.size() + checksum_bytes);
  if (checksum(body) != all.substr(magic.size(), checksum_bytes))
    damaged(path, "its manifest is damaged (the checksum differs)");
  manifest x;
  auto read = overwatch::decode(body, x);
  if (x.version > manifest_version)
    damaged(path, "it was written by a newer version of this program (format " + std::to_string(x.version) +
                    ", known is " + std::to_string(manifest_version) + ")");
  if (!read || !is_consistent(x))
    damaged(path, "its manifest is damaged (it contradicts itself)");
  return x;
}

} // namespace overwatch::snapshots
