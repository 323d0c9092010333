#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

namespace overwatch {

/// A private key and its certificate, in PEM form.
struct key_pair {
  std::string key;
  std::string certificate;
};

struct certificate_validity {
  std::chrono::system_clock::time_point from;
  std::chrono::system_clock::time_point until;
};

/// No certificate could be made; `what()` says why.
class certificate_failure : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

/// A new authority for the certificates of one cluster. Throws `certificate_failure`, as does the other one.
key_pair make_authority(const std::string& name, const certificate_validity& validity);

/// A certificate of a node or of a program that attaches, both as server and as client. `hosts` are the IP addresses
/// and names under which it is reached.
key_pair issue_certificate(const key_pair& authority, const std::string& name, const std::vector<std::string>& hosts,
                           const certificate_validity& validity);

} // namespace overwatch
