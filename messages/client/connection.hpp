#pragma once

#include "messages/actors.hpp"
#include "messages/client/client.hpp"

#include <caf/actor_clock.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/expected.hpp>
#include <caf/stateful_actor.hpp>

#include <atomic>
#include <deque>
#include <map>

namespace overwatch {

/// The actor inside a client: keeps a connection to one of the nodes, and repeats calls until they are answered or
/// their time is up. Only its own thread touches the state.
class connection_state {
public:
  static inline const char* name = "overwatch_client";
  using pointer = caf::stateful_actor<connection_state>*;
  using time_point = caf::actor_clock::time_point;

  /// `partitions` is set to how many the cluster has, once a node has said it.
  void set_up(pointer self, client_options options, std::shared_ptr<std::atomic<uint32_t>> partitions);

  /// Asks a node. `done` is called once, on this actor's thread.
  template <class Reply, class Request>
  void begin(Request request, bool repeatable, milliseconds timeout, std::function<void(caf::expected<Reply>)> done) {
    auto id = next_call_++;
    auto& x = calls_[id];
    x.repeatable = repeatable;
    x.until = self_->clock().now() + timeout;
    x.last = {ec::timed_out, {}, "no node answered within " + std::to_string(timeout.count()) + " ms"};
    x.fail = [done](const failure& why) { done(make_error(why)); };
    x.start = [this, id, timeout, request = std::move(request), done](uint64_t connection) {
      self_->request(gateway_, timeout, request)
        .then(
          [this, id, done](Reply& reply) {
            if (calls_.erase(id) > 0)
              done(std::move(reply));
          },
          [this, id, connection](caf::error& error) { failed(id, connection, describe(error)); });
    };
    launch(x);
    keep_ticking();
  }

  /// Called about ten times a second, and when the connection is there again.
  void on_tick(std::function<void(time_point)> f) { listeners_.push_back(std::move(f)); }

  caf::strong_actor_ptr handle() const { return caf::actor_cast<caf::strong_actor_ptr>(self_); }
  time_point now() const { return self_->clock().now(); }

  // Messages.
  void tick();
  void lost(const caf::actor_addr& gateway);
  void keep_ticking();

private:
  struct call {
    std::function<void(uint64_t connection)> start;
    std::function<void(const failure&)> fail;
    time_point until;
    time_point next_try;
    milliseconds pause{100};
    failure last;
    bool repeatable = true;
    bool under_way = false;
    uint64_t connection = 0; // on which it is under way
    bool unclear = false;    // an earlier try may have done it
  };

  static failure end_of(const call& x, failure why);

  void launch(call& x);
  void failed(uint64_t id, uint64_t connection, failure why);
  void dial();
  void probed(bool open, const std::string& host, uint16_t port);
  void connected(const caf::strong_actor_ptr& gateway);
  void not_connected();
  void disconnect();

  pointer self_ = nullptr;
  client_options options_;
  std::shared_ptr<std::atomic<uint32_t>> partitions_;
  caf::actor prober_;
  gateway_actor gateway_;
  uint64_t connection_ = 0; // counts them
  size_t address_ = 0;
  bool dialling_ = false;
  time_point next_dial_;
  milliseconds dial_pause_{100};
  std::map<uint64_t, call> calls_;
  uint64_t next_call_ = 1;
  std::vector<std::function<void(time_point)>> listeners_;
  bool ticking_ = false;
};

/// Something to do on the actor's thread.
using connection_call = std::function<void(connection_state&)>;

caf::behavior connection(connection_state::pointer self, client_options options,
                         std::shared_ptr<std::atomic<uint32_t>> partitions);

} // namespace overwatch

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(overwatch::connection_call)
