#pragma once

#include "tests/simulation/virtual_time.hpp"

#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace overwatch::simulation {

class host;

/// Names one life of a node: a host that was started again is another one.
using host_id = uint32_t;

/// What crosses between two hosts.
struct frame {
  enum class kind : uint8_t { message, watch, down };
  kind what = kind::message;
  bool loose = false;        ///< its protocol says that it may get lost, come twice or late
  uint64_t receiver = 0;     ///< an actor there; of `down`: the sender's actor that ended
  uint64_t sender = 0;       ///< an actor, 0: none
  host_id sender_host = 0;   ///< where that is
  uint64_t message = 0;      ///< CAF's number of the message: a request or its answer
  std::vector<char> content;
};

struct wire_faults {
  uint64_t loss_one_in = 60;      ///< of what is loose (likewise below); 0: nothing
  uint64_t duplicate_one_in = 60;
  uint64_t slow_one_in = 40;      ///< it is overtaken by what comes later
  milliseconds delay{8};          ///< of everything: 1 ms to this
  milliseconds slow_delay{700};
};

/// The connections between hosts. Each carries what it is given in order and completely, as TCP does, until it breaks:
/// then all that is under way is lost, and both ends are told. What is loose is treated worse. A cut, which may be in
/// one direction only, holds everything back until it is healed, or the connection breaks.
class wire {
public:
  wire(virtual_time& time, chance& random) : time_{time}, random_{random} {}

  wire_faults faults;

  void add(host& x);

  /// The host has died. Its peers learn of it soon, unless they are cut off.
  void remove(host_id id);

  /// Opens a connection unless there is one. False: not now.
  bool connect(host_id from, host_id to);
  void send(host_id from, host_id to, frame x);

  /// Between nodes, by name; one way.
  void cut(const std::string& from, const std::string& to) { cuts_.insert({from, to}); }
  bool is_cut(const std::string& from, const std::string& to) const { return cuts_.count({from, to}) > 0; }
  void break_connections(const std::string& a, const std::string& b);
  void heal();

  host* living(host_id id) const;
  host* living(const std::string& node) const;
  uint64_t sent() const { return sent_; }

  /// Of all that was delivered, in order: two runs that are the same have the same.
  uint64_t digest() const { return digest_; }
  void add_to_digest(uint64_t x) { digest_ = (digest_ ^ x) * 0x100000001B3ULL; }

private:
  struct direction {
    milliseconds last_arrival{0};
    std::deque<frame> held;
  };
  struct connection {
    uint64_t number = 0; ///< 0: there is none
    std::map<host_id, direction> from;
  };
  using pair = std::pair<host_id, host_id>;

  static pair key(host_id a, host_id b) { return a < b ? pair{a, b} : pair{b, a}; }
  void transmit(connection& through, host_id from, host_id to, frame x);
  void arrive(uint64_t number, host_id from, host_id to, const frame& x);
  void tear(host_id a, host_id b);
  bool happens(uint64_t one_in) { return one_in > 0 && random_.one_in(one_in); }

  virtual_time& time_;
  chance& random_;
  std::map<host_id, host*> hosts_; ///< that live
  std::map<host_id, std::string> names_;
  std::map<pair, connection> connections_;
  std::set<std::pair<std::string, std::string>> cuts_;
  uint64_t newest_connection_ = 0;
  uint64_t sent_ = 0;
  uint64_t digest_ = 0xCBF29CE484222325ULL;
};

} // namespace overwatch::simulation
