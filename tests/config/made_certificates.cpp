#include "tests/config/made_certificates.hpp"

#include "config/certificate_authority.hpp"

#include <cstdlib>
#include <fstream>

namespace overwatch::test {

namespace {

certificate_validity days(int from, int until) {
  auto now = std::chrono::system_clock::now();
  return {now + std::chrono::hours{24 * from}, now + std::chrono::hours{24 * until}};
}

} // namespace

made_certificates::made_certificates() {
  auto pattern = (std::filesystem::temp_directory_path() / "overwatch-certificates-XXXXXX").string();
  directory_ = ::mkdtemp(pattern.data());
  auto add = [&](const std::string& name, const key_pair& x) {
    write(name + ".crt", x.certificate, false);
    write(name + ".key", x.key, true);
  };
  auto authority = make_authority("test", days(-1, 100));
  add("ca", authority);
  add("other-ca", make_authority("other", days(-1, 100)));
  for (const auto* name : {"a", "b"})
    add(name, issue_certificate(authority, name, {"127.0.0.1", "localhost"}, days(-1, 90)));
  add("expired", issue_certificate(authority, "expired", {}, days(-10, -1)));
  add("future", issue_certificate(authority, "future", {}, days(1, 90)));
  add("soon", issue_certificate(authority, "soon", {}, days(-1, 10)));
}

made_certificates::~made_certificates() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void made_certificates::write(const std::string& name, const std::string& content, bool secret) const {
  std::ofstream{path(name)} << content;
  if (secret)
    std::filesystem::permissions(path(name), std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

} // namespace overwatch::test
