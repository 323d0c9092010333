#include "runtime/backup/vault.hpp"

#include "runtime/backup/failure.hpp"

#include <sodium.h>

namespace overwatch::backup {

namespace {

constexpr size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == sizeof(digest));

const uint8_t* bytes_of(std::string_view text) { return reinterpret_cast<const uint8_t*>(text.data()); }
uint8_t* bytes_of(std::string& text) { return reinterpret_cast<uint8_t*>(text.data()); }

void prepare_library() {
  static const bool ready = sodium_init() >= 0;
  if (!ready)
    throw backup_failed{"libsodium cannot be used on this machine: it found no source of random numbers"};
}

digest keyed(std::string_view bytes, const digest& key) {
  digest result{};
  crypto_generichash(result.data(), result.size(), bytes_of(bytes), bytes.size(), key.data(), key.size());
  return result;
}

} // namespace

std::string to_hex(const uint8_t* bytes, size_t size) {
  constexpr char digits[] = "0123456789abcdef";
  std::string result;
  for (size_t i = 0; i < size; ++i) {
    result.push_back(digits[bytes[i] >> 4]);
    result.push_back(digits[bytes[i] & 15]);
  }
  return result;
}

std::string to_hex(const chunk_id& id) { return to_hex(id.bytes.data(), id.bytes.size()); }

std::optional<std::string> from_hex(std::string_view text) {
  std::string result(text.size() / 2, '\0');
  size_t size = 0;
  const char* end = nullptr;
  if (text.size() % 2 != 0 ||
      sodium_hex2bin(bytes_of(result), result.size(), text.data(), text.size(), nullptr, &size, &end) != 0 ||
      size != result.size() || end != text.data() + text.size())
    return std::nullopt;
  return result;
}

struct hasher::state {
  crypto_generichash_state library;
};

hasher::hasher() : state_{std::make_unique<state>()} {
  prepare_library();
  crypto_generichash_init(&state_->library, nullptr, 0, sizeof(digest));
}

hasher::~hasher() = default;
hasher::hasher(hasher&&) noexcept = default;
hasher& hasher::operator=(hasher&&) noexcept = default;

void hasher::add(std::string_view bytes) { crypto_generichash_update(&state_->library, bytes_of(bytes), bytes.size()); }

digest hasher::finish() {
  digest result{};
  crypto_generichash_final(&state_->library, result.data(), result.size());
  return result;
}

digest hash_of(std::string_view bytes) {
  prepare_library();
  digest result{};
  crypto_generichash(result.data(), result.size(), bytes_of(bytes), bytes.size(), nullptr, 0);
  return result;
}

std::string random_bytes(size_t size) {
  prepare_library();
  std::string result(size, '\0');
  randombytes_buf(result.data(), result.size());
  return result;
}

vault::vault(std::string_view secret, std::string_view salt) : sealed_{true} {
  // The secret is as random as a key, so there is no need for a slow derivation.
  auto root = keyed(secret, hash_of(salt));
  seal_key_ = keyed("seal", root);
  id_key_ = keyed("chunk id", root);
  gear_key_ = keyed("gear", root);
  check_ = keyed("key check", root);
}

std::string vault::key_check() const { return to_hex(check_.data(), check_.size() / 2); }

chunk_id vault::id_of(std::string_view bytes) const { return {sealed_ ? keyed(bytes, id_key_) : hash_of(bytes)}; }

std::string vault::seal(std::string_view bytes, std::string_view purpose) const {
  if (!sealed_)
    return std::string{bytes};
  std::string result(nonce_bytes + bytes.size() + tag_bytes, '\0');
  auto* out = bytes_of(result);
  randombytes_buf(out, nonce_bytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(out + nonce_bytes, nullptr, bytes_of(bytes), bytes.size(),
                                             bytes_of(purpose), purpose.size(), nullptr, out, seal_key_.data());
  return result;
}

std::optional<std::string> vault::open(std::string_view bytes, std::string_view purpose) const {
  if (!sealed_)
    return std::string{bytes};
  if (bytes.size() < nonce_bytes + tag_bytes)
    return std::nullopt;
  std::string result(bytes.size() - nonce_bytes - tag_bytes, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(bytes_of(result), nullptr, nullptr, bytes_of(bytes) + nonce_bytes,
                                                 bytes.size() - nonce_bytes, bytes_of(purpose), purpose.size(),
                                                 bytes_of(bytes), seal_key_.data()) != 0)
    return std::nullopt;
  return result;
}

gear_table vault::gear() const {
  gear_table result{};
  for (size_t i = 0; i < result.size(); ++i) {
    auto part = keyed("gear " + std::to_string(i), gear_key_); // all zero without a key
    std::memcpy(&result[i], part.data(), sizeof(result[i]));
  }
  return result;
}

} // namespace overwatch::backup
