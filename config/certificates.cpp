#include "config/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace overwatch {

namespace {

struct frees {
  void operator()(EVP_PKEY* x) const { EVP_PKEY_free(x); }
  void operator()(X509* x) const { X509_free(x); }
  void operator()(BIO* x) const { BIO_free(x); }
  void operator()(X509_STORE* x) const { X509_STORE_free(x); }
  void operator()(X509_STORE_CTX* x) const { X509_STORE_CTX_free(x); }
};

using certificate_ptr = std::unique_ptr<X509, frees>;
using key_ptr = std::unique_ptr<EVP_PKEY, frees>;
using findings = std::vector<certificate_finding>;

// A key with a passphrase must not ask for it on the terminal of whoever starts the node.
int no_passphrase(char*, int, int, void*) { return -1; }

std::unique_ptr<BIO, frees> open_file(const std::string& file, const std::string& path, findings& result) {
  errno = 0;
  std::unique_ptr<BIO, frees> in{BIO_new_file(path.c_str(), "r")};
  if (!in)
    result.push_back({file, "\"" + path + "\" cannot be read: " + std::strerror(errno == 0 ? EIO : errno)});
  return in;
}

certificate_ptr read_certificate(const std::string& file, const std::string& path, findings& result) {
  auto in = open_file(file, path, result);
  if (!in)
    return nullptr;
  certificate_ptr x{PEM_read_bio_X509(in.get(), nullptr, no_passphrase, nullptr)};
  if (!x)
    result.push_back({file, "\"" + path + "\" holds no certificate in PEM form"});
  return x;
}

key_ptr read_key(const std::string& path, findings& result) {
  auto in = open_file("key", path, result);
  if (!in)
    return nullptr;
  key_ptr x{PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr)};
  if (!x)
    result.push_back({"key", "\"" + path + "\" holds no private key in PEM form without a passphrase"});
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    result.push_back({"key", "\"" + path + "\" is open to others than its owner: chmod 600 closes it", false});
  return x;
}

std::string time_text(const ASN1_TIME* time) {
  std::unique_ptr<BIO, frees> out{BIO_new(BIO_s_mem())};
  ASN1_TIME_print(out.get(), time);
  char* text = nullptr;
  auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<size_t>(size)};
}

void check_time(const std::string& file, const std::string& path, X509* x, std::chrono::system_clock::time_point now,
                findings& result) {
  auto at = std::chrono::system_clock::to_time_t(now);
  auto soon = std::chrono::system_clock::to_time_t(now + certificate_notice);
  const auto* end = X509_get0_notAfter(x);
  if (ASN1_TIME_cmp_time_t(X509_get0_notBefore(x), at) > 0)
    result.push_back({file, "\"" + path + "\" is not valid before " + time_text(X509_get0_notBefore(x))});
  if (ASN1_TIME_cmp_time_t(end, at) <= 0)
    result.push_back({file, "\"" + path + "\" has expired on " + time_text(end) + ": issue a new one"});
  else if (ASN1_TIME_cmp_time_t(end, soon) <= 0)
    result.push_back({file, "\"" + path + "\" expires on " + time_text(end) + ": issue a new one", false});
}

// Time is judged by itself, with a better sentence.
std::string why_not_issued(X509* certificate, X509* ca) {
  std::unique_ptr<X509_STORE, frees> trusted{X509_STORE_new()};
  std::unique_ptr<X509_STORE_CTX, frees> context{X509_STORE_CTX_new()};
  X509_STORE_add_cert(trusted.get(), ca);
  X509_STORE_set_flags(trusted.get(), X509_V_FLAG_NO_CHECK_TIME);
  X509_STORE_CTX_init(context.get(), trusted.get(), certificate, nullptr);
  if (X509_verify_cert(context.get()) == 1)
    return {};
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

} // namespace

std::vector<certificate_finding> check_certificates(const certificate_files& files,
                                                    std::chrono::system_clock::time_point now) {
  findings result;
  auto certificate = read_certificate("certificate", files.certificate, result);
  auto key = read_key(files.key, result);
  auto ca = read_certificate("ca", files.ca, result);
  if (certificate)
    check_time("certificate", files.certificate, certificate.get(), now, result);
  if (ca)
    check_time("ca", files.ca, ca.get(), now, result);
  if (certificate && key && X509_check_private_key(certificate.get(), key.get()) != 1)
    result.push_back({"key", "\"" + files.key + "\" is not the key of \"" + files.certificate + "\""});
  if (certificate && ca)
    if (auto why = why_not_issued(certificate.get(), ca.get()); !why.empty())
      result.push_back({"certificate", "\"" + files.certificate + "\" was not issued by \"" + files.ca + "\": " + why});
  return result;
}

} // namespace overwatch
