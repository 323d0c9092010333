#pragma once

#include "tests/bench/machine.hpp"

#include <iosfwd>
#include <map>
#include <optional>
#include <string>

namespace overwatch::bench {

/// The measured values by their keys in the JSON object. Which there are, what they mean and what they are
/// compared with is one table in report.cpp.
class report {
public:
  /// Throws std::logic_error for a key that the table does not have.
  void set(const std::string& key, double value);
  std::optional<double> get(const std::string& key) const;

  void set_version(std::string version) { version_ = std::move(version); }

  /// For people: machine, results with their share of this machine's limits, and the peers.
  void print_table(std::ostream& out, const machine& on) const;

  /// One JSON object on one line.
  void print_json(std::ostream& out, const machine& on) const;

private:
  void print_peers(std::ostream& out) const;

  std::map<std::string, double> values_;
  std::string version_;
};

} // namespace overwatch::bench
