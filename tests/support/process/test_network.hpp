#pragma once

#include <map>
#include <string>
#include <vector>

namespace overwatch::support {

/// While it lives, the calling thread is on a host: what it connects to, and what it starts, is there. A path of "" is
/// where the thread is anyway.
class network_visit {
public:
  /// `path` is of a network namespace. Throws std::system_error.
  explicit network_visit(const std::string& path);
  ~network_visit();

  network_visit(const network_visit&) = delete;
  network_visit& operator=(const network_visit&) = delete;

private:
  int home_ = -1;
};

/// Hosts with an address each and a switch between them, in network namespaces of their own: what happens to the
/// traffic here touches nothing else on the machine. Needs root, `ip` and `nft`. Removed with the object; what a killed
/// test program left behind is removed by the next one. One thread changes it.
class test_network {
public:
  /// Throws std::runtime_error that says what is missing.
  explicit test_network(const std::vector<std::string>& hosts);
  ~test_network();

  test_network(const test_network&) = delete;
  test_network& operator=(const test_network&) = delete;

  const std::string& address(const std::string& host) const { return hosts_.at(host).address; }

  /// The host's network namespace, for `network_visit` and `node_options::network`.
  std::string path(const std::string& host) const;

  /// From now on nothing that `from` sends reaches `to`. The other way stays as it is.
  void cut(const std::string& from, const std::string& to);

  /// From now on so many packets of a hundred do not reach `host`.
  void lose(const std::string& host, unsigned percent);

  /// Everything arrives again.
  void heal();

private:
  struct host {
    std::string space; ///< name of its namespace
    std::string address;
  };

  void build(const std::vector<std::string>& hosts);
  void remove();
  void change_rules(const std::string& host, const std::string& command) const;

  std::string hub_;
  std::map<std::string, host> hosts_;
};

} // namespace overwatch::support
