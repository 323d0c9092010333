#include "config/certificate_authority.hpp"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

namespace overwatch {

namespace {

constexpr const char* curve = "P-256";
constexpr int serial_bits = 127; // RFC 5280: at most 20 bytes, and nobody can guess it

struct frees {
  void operator()(EVP_PKEY* x) const { EVP_PKEY_free(x); }
  void operator()(X509* x) const { X509_free(x); }
  void operator()(X509_EXTENSION* x) const { X509_EXTENSION_free(x); }
  void operator()(BIO* x) const { BIO_free(x); }
  void operator()(BIGNUM* x) const { BN_free(x); }
};

using key_ptr = std::unique_ptr<EVP_PKEY, frees>;
using certificate_ptr = std::unique_ptr<X509, frees>;
using bio_ptr = std::unique_ptr<BIO, frees>;

// For every call that can only fail for want of memory or randomness.
template <class T>
T must(T result, const char* what) {
  if (result)
    return result;
  char reason[256] = "unknown reason";
  if (auto code = ERR_get_error(); code != 0)
    ERR_error_string_n(code, reason, sizeof(reason));
  throw certificate_failure{std::string{what} + ": " + reason};
}

std::string text_of(BIO* from) {
  char* text = nullptr;
  auto size = BIO_get_mem_data(from, &text);
  return {text, static_cast<size_t>(size)};
}

std::string pem_of(EVP_PKEY* key) {
  bio_ptr out{must(BIO_new(BIO_s_mem()), "memory")};
  must(PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1, "writing a key");
  return text_of(out.get());
}

std::string pem_of(X509* certificate) {
  bio_ptr out{must(BIO_new(BIO_s_mem()), "memory")};
  must(PEM_write_bio_X509(out.get(), certificate) == 1, "writing a certificate");
  return text_of(out.get());
}

void add_extension(X509* to, X509* issuer, int which, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  std::unique_ptr<X509_EXTENSION, frees> x{
    must(X509V3_EXT_conf_nid(nullptr, &context, which, value.c_str()), "an extension of the certificate")};
  must(X509_add_ext(to, x.get(), -1) == 1, "adding an extension");
}

void set_time(ASN1_TIME* to, std::chrono::system_clock::time_point time) {
  must(ASN1_TIME_set(to, std::chrono::system_clock::to_time_t(time)) != nullptr, "setting a time");
}

// Without extensions and signature.
certificate_ptr begin_certificate(const std::string& name, EVP_PKEY* key, const certificate_validity& validity) {
  certificate_ptr x{must(X509_new(), "memory")};
  X509_set_version(x.get(), 2); // that is: version 3
  std::unique_ptr<BIGNUM, frees> serial{must(BN_new(), "memory")};
  must(BN_rand(serial.get(), serial_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1, "a random serial number");
  must(BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(x.get())) != nullptr, "setting the serial number");
  set_time(X509_getm_notBefore(x.get()), validity.from);
  set_time(X509_getm_notAfter(x.get()), validity.until);
  must(X509_set_pubkey(x.get(), key) == 1, "setting the key");
  auto* subject = X509_get_subject_name(x.get());
  auto add = [&](const char* field, const std::string& text) {
    must(X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(text.c_str()),
                                    static_cast<int>(text.size()), -1, 0)
           == 1,
         "setting the name");
  };
  add("O", "Overwatch");
  add("CN", name);
  return x;
}

std::string alternative_names(const std::string& name, const std::vector<std::string>& hosts) {
  auto result = "DNS:" + name;
  for (const auto& host : hosts) {
    in_addr v4{};
    in6_addr v6{};
    auto is_address = inet_pton(AF_INET, host.c_str(), &v4) == 1 || inet_pton(AF_INET6, host.c_str(), &v6) == 1;
    result += (is_address ? ",IP:" : ",DNS:") + host;
  }
  return result;
}

} // namespace

key_pair make_authority(const std::string& name, const certificate_validity& validity) {
  key_ptr key{must(EVP_EC_gen(curve), "a new key")};
  auto x = begin_certificate(name, key.get(), validity);
  must(X509_set_issuer_name(x.get(), X509_get_subject_name(x.get())) == 1, "setting the issuer");
  add_extension(x.get(), x.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(x.get(), x.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(x.get(), x.get(), NID_subject_key_identifier, "hash");
  must(X509_sign(x.get(), key.get(), EVP_sha256()) != 0, "signing");
  return {pem_of(key.get()), pem_of(x.get())};
}

key_pair issue_certificate(const key_pair& authority, const std::string& name, const std::vector<std::string>& hosts,
                           const certificate_validity& validity) {
  auto refuse_passphrase = [](char*, int, int, void*) { return -1; };
  bio_ptr key_text{must(BIO_new_mem_buf(authority.key.data(), static_cast<int>(authority.key.size())), "memory")};
  bio_ptr text{
    must(BIO_new_mem_buf(authority.certificate.data(), static_cast<int>(authority.certificate.size())), "memory")};
  key_ptr issuer_key{must(PEM_read_bio_PrivateKey(key_text.get(), nullptr, refuse_passphrase, nullptr),
                          "reading the key of the authority")};
  certificate_ptr issuer{must(PEM_read_bio_X509(text.get(), nullptr, refuse_passphrase, nullptr),
                              "reading the certificate of the authority")};
  must(X509_check_private_key(issuer.get(), issuer_key.get()) == 1, "key and certificate of the authority");
  key_ptr key{must(EVP_EC_gen(curve), "a new key")};
  auto x = begin_certificate(name, key.get(), validity);
  must(X509_set_issuer_name(x.get(), X509_get_subject_name(issuer.get())) == 1, "setting the issuer");
  add_extension(x.get(), issuer.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(x.get(), issuer.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(x.get(), issuer.get(), NID_ext_key_usage, "serverAuth,clientAuth");
  add_extension(x.get(), issuer.get(), NID_subject_alt_name, alternative_names(name, hosts));
  add_extension(x.get(), issuer.get(), NID_subject_key_identifier, "hash");
  add_extension(x.get(), issuer.get(), NID_authority_key_identifier, "keyid:always");
  must(X509_sign(x.get(), issuer_key.get(), EVP_sha256()) != 0, "signing");
  return {pem_of(key.get()), pem_of(x.get())};
}

} // namespace overwatch
