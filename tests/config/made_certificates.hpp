#pragma once

#include <filesystem>
#include <string>

namespace overwatch::test {

/// A directory with certificates and their keys (.crt, .key), removed with the object: `a`, `b`, `expired`, `future`
/// and `soon` (to expire), `ca` that issued them, and `other-ca`.
class made_certificates {
public:
  made_certificates();
  ~made_certificates();
  made_certificates(const made_certificates&) = delete;
  made_certificates& operator=(const made_certificates&) = delete;

  std::string path(const std::string& name) const { return (directory_ / name).string(); }

private:
  void write(const std::string& name, const std::string& content, bool secret) const;

  std::filesystem::path directory_;
};

} // namespace overwatch::test
