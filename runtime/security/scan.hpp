#pragma once

#include "config/settings.hpp"
#include "messages/time.hpp"
#include "runtime/security/accounts.hpp"
#include "runtime/security/finding.hpp"
#include "runtime/security/scan_options.hpp"
#include "runtime/security/tree.hpp"

#include <exception>
#include <functional>
#include <string>

namespace overwatch::security {

/// Ends a scan that was told to stop; caught where it began.
struct scan_stopped : std::exception {
  const char* what() const noexcept override { return "the scan was stopped"; }
};

/// How a scan is watched and stopped.
struct scan_control {
  std::function<bool()> stopping = [] { return false; };
  int stop_fd = -1; ///< readable when it shall stop; -1: never
  std::function<void(double percent, const std::string& message)> progress = [](double, const std::string&) {};
};

/// Counters for people.
struct scan_counters {
  uint64_t files = 0; ///< everything that is no directory
  uint64_t directories = 0;
  uint64_t keys_in_tests = 0; ///< private keys that are only there to test programs
  uint64_t hashed_files = 0;
  uint64_t hashed_bytes = 0;
};

/// What became of the baseline of one tree.
struct baseline_summary {
  std::string tree;
  std::string state; ///< created, compared, updated
  uint64_t entries = 0;
  uint64_t changed = 0, added = 0, removed = 0;
};

/// What a check looks at and where it puts what it found.
struct scan {
  const tree& root;
  const account_book& accounts;
  const scan_options& options;
  const settings& config;
  const scan_control& control;
  timestamp now;
  std::string directory; ///< where baselines are kept
  findings& found;
  scan_counters counters{};
  std::vector<baseline_summary> baselines{};

  /// Throws scan_stopped.
  void stop_if_told() const {
    if (control.stopping())
      throw scan_stopped{};
  }
};

/// One area. It throws nothing but scan_stopped.
struct check {
  std::string_view name;
  std::string_view about;
  void (*run)(scan&);
  double weight;   ///< its usual share of the time, for the progress
  bool by_default; ///< false: only when it is named
};

/// All of them, in the order in which they run.
const std::vector<check>& checks();

void check_files(scan& s);
void check_accounts(scan& s);
void check_sshd(scan& s);
void check_sockets(scan& s);
void check_sudo(scan& s);
void check_kernel(scan& s);
void check_startup(scan& s);
void check_packages(scan& s);
void check_node(scan& s);
void check_baseline(scan& s);
void check_lynis(scan& s);

} // namespace overwatch::security
