#pragma once

#include "config/settings.hpp"
#include "runtime/security/security_scan.hpp"

#include <boost/json.hpp>

#include <map>
#include <set>
#include <string>
#include <sys/types.h>
#include <vector>

namespace overwatch::security {

/// A small machine in a temporary directory that nothing is wrong with, until something is planted in it. Everything in
/// it belongs to whoever runs the test. Removed at the end.
class prepared_root {
public:
  prepared_root();
  ~prepared_root();
  prepared_root(const prepared_root&) = delete;
  prepared_root& operator=(const prepared_root&) = delete;

  const std::string& path() const { return path_; }

  /// Directories above are created.
  void write(const std::string& path, const std::string& text, mode_t mode = 0644);
  void append(const std::string& path, const std::string& text);
  void directory(const std::string& path, mode_t mode = 0755);
  void link(const std::string& path, const std::string& target);
  void mode(const std::string& path, mode_t mode);
  void remove(const std::string& path);

  /// A file that dpkg says a package installed.
  void install(const std::string& path, const std::string& text, mode_t mode = 0755);

  settings config; ///< of the node that scans

private:
  std::string base_; // holds the tree, and what the node keeps
  std::string path_;
};

/// A private key that opens nothing.
extern const std::string private_key;

struct scanned {
  outcome ended;
  boost::json::object result; ///< of the task; empty unless it completed
  boost::json::object report; ///< what the report file has

  std::set<std::string> ids() const;
  std::map<std::string, std::string> levels() const; ///< by id
  std::vector<std::string> blind() const;            ///< what was not looked at
};

/// Runs the handler on the tree: every check but those that ask other programs. `payload` has further fields.
scanned scan_tree(const prepared_root& root, boost::json::object payload = {},
                  std::shared_ptr<node_services> node = nullptr);

} // namespace overwatch::security
