#pragma once

#include "actors/cluster_interfaces.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>

namespace overwatch {

struct link_options {
  std::string node;                   ///< of the peer
  uint64_t window = 8ULL << 20;       ///< bytes that the peer has not acknowledged; beyond it messages are dropped
  uint64_t batch_bytes = 1ULL << 20;  ///< of one batch: larger ones would delay the signs of life behind them
  milliseconds ping_interval{500};
  uint32_t silent_pings = 5;          ///< so many intervals without a batch: the peer is down
  std::function<timestamp()> clock = now;
};

/// Owns the traffic with one peer. Lives from the first time that the peer is known until membership ends; has a
/// session while the peer is up or about to be.
class link_state {
public:
  static inline const char* name = "link";
  using pointer = link_actor::stateful_pointer<link_state>;

  void set_up(pointer self, link_options options, membership_reports membership);
  void begin(const link_session& x);
  void gather(log_delivery& x);
  void flush();
  void receive(link_batch& x);
  void tick();
  void lose(const std::string& reason);
  void connect(std::vector<caf::strong_actor_ptr> replicas) { replicas_ = std::move(replicas); }
  bool is_remote(const caf::actor_addr& x) const;

private:
  void send_batch(std::vector<log_delivery> deliveries);
  int64_t elapsed() const; ///< microseconds on this node's steady clock
  void measure(const link_batch& x);

  pointer self_ = nullptr;
  link_options options_;
  membership_reports membership_;
  std::vector<caf::strong_actor_ptr> replicas_; ///< by partition
  link_stats stats_;

  // Of the session.
  uint64_t session_ = 0; ///< 0: none
  link_end remote_;
  bool up_ = false;
  uint32_t silent_ = 0;       ///< ticks since the last batch came
  uint64_t sent_ = 0;         ///< bytes of deliveries, with those that are gathered
  uint64_t acknowledged_ = 0; ///< of them
  uint64_t received_ = 0;
  uint64_t told_ = 0;         ///< of `received_`, to the other end
  int64_t heard_ = 0;         ///< `sent_at` of the newest batch
  int64_t heard_at_ = 0;

  std::vector<log_delivery> gathered_;
  bool flush_scheduled_ = false;
};

link_actor::behavior_type link(link_state::pointer self, link_options options, membership_reports membership);

} // namespace overwatch
