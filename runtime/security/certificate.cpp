#include "runtime/security/certificate.hpp"

#include "runtime/handlers/output_lines.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <climits>
#include <ctime>
#include <memory>

namespace overwatch::security {

namespace {

constexpr size_t subject_bytes = 256;

struct frees {
  void operator()(BIO* x) const { BIO_free(x); }
  void operator()(X509* x) const { X509_free(x); }
};

std::optional<timestamp> time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1)
    return std::nullopt;
  return timestamp{std::chrono::seconds{::timegm(&parts)}};
}

std::string subject_of(const X509* x) {
  char text[subject_bytes] = {};
  X509_NAME_oneline(X509_get_subject_name(x), text, sizeof(text));
  return valid_utf8(text, subject_bytes);
}

} // namespace

std::vector<certificate> parse_certificates(std::string_view pem) {
  std::vector<certificate> result;
  if (pem.size() > INT_MAX)
    return result;
  std::unique_ptr<BIO, frees> source{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  while (source && result.size() < max_certificates) {
    std::unique_ptr<X509, frees> one{PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr)};
    if (!one)
      break;
    if (auto end = time_of(X509_get0_notAfter(one.get())))
      result.push_back({subject_of(one.get()), *end});
  }
  ERR_clear_error();
  return result;
}

} // namespace overwatch::security
