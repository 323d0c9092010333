#include "runtime/security/certificate.hpp"
#include "runtime/security/guard.hpp"
#include "runtime/security/lines.hpp"
#include "runtime/security/scan.hpp"

#include <unistd.h>

#include <array>
#include <climits>
#include <cstdlib>

namespace overwatch::security {

namespace {

constexpr std::chrono::hours day{24};
constexpr int soon_days = 30;
constexpr int very_soon_days = 7;

bool is_loopback(std::string_view address) {
  return begins_with(address, "127.") || address == "::1" || address == "localhost";
}

void judge_address(scan& s, const char* rule, const char* option, const std::string& address, uint16_t port) {
  if (!is_loopback(address))
    s.found.add(rule, option, address + ":" + std::to_string(port));
}

// Relative paths of the configuration count from where the node runs.
std::string absolute(const std::string& path) {
  char resolved[PATH_MAX];
  return ::realpath(path.c_str(), resolved) != nullptr ? resolved : std::string{};
}

void judge_data_directory(scan& s) {
  auto path = absolute(s.config.node.data_dir);
  auto place = s.root.locate(path);
  if (path.empty() || place.error != 0)
    return s.found.partly_blind("the data directory " + s.config.node.data_dir,
                                error_sentence(place.error != 0 ? place.error : ENOENT));
  if ((place.status.st_mode & (S_IROTH | S_IXOTH)) != 0)
    s.found.add("node-data-readable", path);
  if (auto weakness = changeable_by_others(s.root, s.accounts, path, {::geteuid()}); !weakness.empty())
    s.found.add("node-data-writable", path, weakness);
}

void judge_commands(scan& s) {
  for (const auto& [name, command] : s.config.commands)
    for (const auto& word : command.argv)
      if (!word.empty() && word.front() == '/')
        if (auto weakness = changeable_by_others(s.root, s.accounts, word, {::geteuid()}); !weakness.empty())
          s.found.add("node-command-writable", name + ": " + word, weakness);
}

void judge_certificate(scan& s, const std::string& path) {
  auto text = s.root.read(path);
  auto all = parse_certificates(text.text);
  if (text.error != 0 || all.empty())
    return s.found.partly_blind("the certificate " + path,
                                text.error != 0 ? error_sentence(text.error) : "it has no certificate in PEM form");
  for (const auto& one : all) {
    auto days = std::chrono::duration_cast<std::chrono::hours>(one.not_after - s.now) / day;
    if (one.not_after <= s.now)
      s.found.add("certificate-expired", path, one.subject);
    else if (days < soon_days)
      s.found.add_at(days < very_soon_days ? severity::medium : severity::low, "certificate-ends-soon", path,
                     one.subject + ": in " + std::to_string(days) + " days");
  }
}

} // namespace

void check_node(scan& s) {
  for (const auto& path : s.config.security.certificates)
    judge_certificate(s, path);
  if (!s.root.is_machine())
    return; // the node is not there
  judge_address(s, "node-api-exposed", "http.address", s.config.http.address, s.config.http.port);
  if (s.config.caf.port > 0)
    judge_address(s, "node-caf-exposed", "caf.address", s.config.caf.address, s.config.caf.port);
  judge_data_directory(s);
  judge_commands(s);
}

} // namespace overwatch::security
