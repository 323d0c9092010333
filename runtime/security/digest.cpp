#include "runtime/security/digest.hpp"

#include "runtime/handlers/owned_fd.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <vector>

namespace overwatch::security {

namespace {

constexpr size_t piece_bytes = 1024 * 1024; // between two looks at whether to stop

} // namespace

struct digest::state {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~state() { EVP_MD_CTX_free(context); }
};

digest::digest(kind which) : state_{std::make_unique<state>()} {
  const auto* algorithm = which == kind::sha256 ? EVP_sha256() : EVP_md5();
  if (state_->context == nullptr || EVP_DigestInit_ex(state_->context, algorithm, nullptr) != 1)
    throw std::runtime_error{"OpenSSL has no such digest"};
}

digest::~digest() = default;

void digest::add(std::string_view bytes) { EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()); }

std::string digest::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  EVP_DigestFinal_ex(state_->context, bytes.data(), &size);
  std::string result;
  for (unsigned i = 0; i < size; ++i) {
    constexpr std::string_view digits = "0123456789abcdef";
    result += digits[bytes[i] >> 4];
    result += digits[bytes[i] & 15];
  }
  return result;
}

std::string digest_of(std::string_view text) {
  digest result;
  result.add(text);
  return result.finish();
}

std::optional<std::string> digest_of_file(int directory, const char* name, digest::kind which,
                                          const std::function<void(size_t)>& tick) {
  owned_fd file{::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
  if (!file)
    return std::nullopt;
  std::vector<char> piece(piece_bytes);
  digest result{which};
  for (;;) {
    auto count = ::read(file.get(), piece.data(), piece.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return std::nullopt;
    if (count == 0)
      return result.finish();
    result.add({piece.data(), static_cast<size_t>(count)});
    tick(static_cast<size_t>(count));
  }
}

} // namespace overwatch::security
