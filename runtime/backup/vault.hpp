#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace overwatch::backup {

/// 256 bits of BLAKE2b.
using digest = std::array<uint8_t, 32>;

/// Names a chunk by its content. In a sealed repository the hash has a key, so that an id reveals nothing.
struct chunk_id {
  digest bytes{};
};

inline bool operator==(const chunk_id& x, const chunk_id& y) { return x.bytes == y.bytes; }
inline bool operator!=(const chunk_id& x, const chunk_id& y) { return x.bytes != y.bytes; }
inline bool operator<(const chunk_id& x, const chunk_id& y) { return x.bytes < y.bytes; }

struct chunk_id_hash {
  size_t operator()(const chunk_id& x) const {
    size_t result = 0; // any part of a hash is one
    std::memcpy(&result, x.bytes.data(), sizeof(result));
    return result;
  }
};

std::string to_hex(const uint8_t* bytes, size_t size);
std::string to_hex(const chunk_id& id);

/// Nothing when it is no such text.
std::optional<std::string> from_hex(std::string_view text);

/// BLAKE2b over pieces as they come.
class hasher {
public:
  hasher();
  ~hasher();
  hasher(hasher&&) noexcept;
  hasher& operator=(hasher&&) noexcept;

  void add(std::string_view bytes);
  digest finish();

private:
  struct state;
  std::unique_ptr<state> state_;
};

digest hash_of(std::string_view bytes);

std::string random_bytes(size_t size);

/// What a byte contributes to the rolling hash that cuts chunks.
using gear_table = std::array<uint64_t, 256>;

/// The cryptography of a repository: ids of chunks, and sealing (XChaCha20-Poly1305) when it has a key. Thread-safe.
class vault {
public:
  /// Of a repository without a key: nothing is sealed.
  vault() = default;

  /// `secret` is the content of a key file, `salt` is the repository's.
  vault(std::string_view secret, std::string_view salt);

  bool sealed() const { return sealed_; }

  /// Tells whether a key is the one a repository was made with; reveals nothing of it.
  std::string key_check() const;

  chunk_id id_of(std::string_view bytes) const;

  /// `purpose` binds the bytes to their place: what was sealed for one does not open for another.
  std::string seal(std::string_view bytes, std::string_view purpose) const;

  /// Nothing when the bytes are damaged, or sealed with another key or for another purpose. Without a key it returns
  /// what it gets.
  std::optional<std::string> open(std::string_view bytes, std::string_view purpose) const;

  /// In a sealed repository it depends on the key: sizes of chunks would tell known files otherwise.
  gear_table gear() const;

private:
  bool sealed_ = false;
  digest seal_key_{};
  digest id_key_{};
  digest gear_key_{};
  digest check_{};
};

} // namespace overwatch::backup
