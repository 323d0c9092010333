#include "runtime/backup/manifest.hpp"

#include "messages/codec.hpp"
#include "runtime/backup/failure.hpp"

#include <cstdio>
#include <ctime>

namespace overwatch::backup {

namespace {

constexpr std::string_view mark = "OWBACK1\n";
constexpr size_t random_part_bytes = 2;
constexpr size_t id_characters = 25;

std::string purpose_of(const std::string& id) { return "manifest " + id; }

/// The form on disk: ids as one text.
struct stored_manifest {
  manifest plain;
  std::string tree;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, stored_manifest& x) {
  auto& m = x.plain;
  return f(m.version, m.id, m.host, m.sources, m.excludes, m.started, m.finished, m.counts, x.tree);
}

[[noreturn]] void damaged(const std::string& id, const std::string& why) {
  throw repository_damaged{"the manifest of backup " + id + " is damaged: " + why};
}

} // namespace

std::string to_bytes(const manifest& x, const vault& secret) {
  stored_manifest stored{x, {}};
  for (const auto& id : x.tree)
    stored.tree.append(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
  std::string result{mark};
  result += secret.seal(overwatch::encode(stored), purpose_of(x.id));
  auto hash = hash_of(result);
  result.append(reinterpret_cast<const char*>(hash.data()), hash.size());
  return result;
}

manifest manifest_from(std::string_view bytes, const std::string& id, const vault& secret) {
  if (bytes.size() < mark.size() + sizeof(digest) || bytes.substr(0, mark.size()) != mark)
    damaged(id, "it does not begin as one");
  auto hash = hash_of(bytes.substr(0, bytes.size() - sizeof(digest)));
  if (std::memcmp(hash.data(), bytes.data() + bytes.size() - sizeof(digest), sizeof(digest)) != 0)
    damaged(id, "its hash differs");
  auto body = bytes.substr(mark.size(), bytes.size() - mark.size() - sizeof(digest));
  auto opened = secret.open(body, purpose_of(id));
  if (!opened)
    damaged(id, "it cannot be decrypted: it was not made for this place");
  stored_manifest stored;
  auto read = overwatch::decode(*opened, stored);
  auto& result = stored.plain;
  if (read && result.version > manifest_version)
    throw backup_failed{"backup " + id + " was written by a newer version of this program (format " +
                        std::to_string(result.version) + ", known is " + std::to_string(manifest_version) + ")"};
  if (!read || result.id != id || stored.tree.size() % sizeof(digest) != 0)
    damaged(id, "it contradicts itself");
  result.tree.resize(stored.tree.size() / sizeof(digest));
  for (size_t i = 0; i < result.tree.size(); ++i)
    std::memcpy(result.tree[i].bytes.data(), stored.tree.data() + i * sizeof(digest), sizeof(digest));
  return std::move(result);
}

std::string new_backup_id(timestamp time) {
  auto seconds = std::chrono::system_clock::to_time_t(time);
  struct tm parts {};
  ::gmtime_r(&seconds, &parts);
  auto since = std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count() % 1000;
  char text[32];
  auto size = std::strftime(text, sizeof(text), "%Y%m%dT%H%M%S", &parts);
  char fraction[16];
  std::snprintf(fraction, sizeof(fraction), ".%03dZ-", static_cast<int>(since));
  auto random = random_bytes(random_part_bytes);
  return std::string{text, size} + fraction + to_hex(reinterpret_cast<const uint8_t*>(random.data()), random.size());
}

bool is_backup_id(std::string_view text) {
  return text.size() == id_characters && text.find_first_not_of("0123456789abcdefTZ-.") == std::string_view::npos;
}

} // namespace overwatch::backup
