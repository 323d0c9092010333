#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace overwatch {

/// Paths of PEM files.
struct certificate_files {
  std::string certificate;
  std::string key;
  std::string ca;
};

/// What is wrong with one of them.
struct certificate_finding {
  std::string file; ///< `certificate`, `key` or `ca`
  std::string message;
  bool fatal = true; ///< false: a warning
};

/// A certificate that ends within this time is worth a warning.
inline constexpr std::chrono::hours certificate_notice{24 * 30};

/// Reads the files: can they be read, do they belong together, was the one issued by the other, and when do they end?
std::vector<certificate_finding> check_certificates(const certificate_files& files,
                                                    std::chrono::system_clock::time_point now);

} // namespace overwatch
