#include "tests/security/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <stdexcept>

namespace overwatch::security {

namespace {

struct frees {
  void operator()(EVP_PKEY* x) const { EVP_PKEY_free(x); }
  void operator()(X509* x) const { X509_free(x); }
  void operator()(BIO* x) const { BIO_free(x); }
};

} // namespace

std::string certificate_pem(const std::string& name, int days) {
  constexpr long day_s = 86'400;
  std::unique_ptr<EVP_PKEY, frees> key{EVP_EC_gen("P-256")};
  std::unique_ptr<X509, frees> x{X509_new()};
  ASN1_INTEGER_set(X509_get_serialNumber(x.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(x.get()), -400 * day_s);
  X509_gmtime_adj(X509_getm_notAfter(x.get()), days * day_s + 60);
  X509_set_pubkey(x.get(), key.get());
  auto* subject = X509_get_subject_name(x.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(x.get(), subject);
  std::unique_ptr<BIO, frees> out{BIO_new(BIO_s_mem())};
  if (X509_sign(x.get(), key.get(), EVP_sha256()) == 0 || PEM_write_bio_X509(out.get(), x.get()) != 1)
    throw std::runtime_error{"no certificate could be made"};
  char* text = nullptr;
  auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<size_t>(size)};
}

} // namespace overwatch::security
