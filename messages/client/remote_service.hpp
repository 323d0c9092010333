#pragma once

#include "messages/client/connection.hpp"
#include "messages/client/handler_threads.hpp"

namespace overwatch {

struct remote_service_options {
  std::string name;    ///< of the program
  std::string address; ///< where it runs
  std::string task_type;
  uint32_t slots = 1;
  remote_handler handler;
};

/// Serves one task type as an attached worker: registers, claims, reports, finishes; registers again when the node has
/// forgotten it. Lives on the connection's thread; handlers run on threads of its own. `post` brings a call to the
/// connection's thread.
class remote_service : public std::enable_shared_from_this<remote_service> {
public:
  using poster = std::function<void(connection_call)>;

  remote_service(remote_service_options options, poster post);

  /// `registered` is called once: with an error when the registration is refused.
  void start(connection_state& connection, std::function<void(const failure&)> registered);

  /// Takes nothing new.
  void leave();

  /// Handlers shall stop.
  void stop(stop_reason why);

  /// It has left, and nothing runs or waits for its fate.
  bool done() const { return leaving_ && running_.empty(); }

private:
  using time_point = connection_state::time_point;
  using attempt_key = std::tuple<task_id, uint64_t, uint32_t>; // and its fencing token

  struct running {
    std::shared_ptr<remote_attempt> attempt;
    std::optional<finished_attempt> how; // it has ended
    bool sent = false;                   // and is on its way
    time_point next_try;
  };

  static attempt_key key_of(const task_id& id, const fencing_token& fence) { return {id, fence.epoch, fence.attempt}; }
  void tick(time_point time);
  void attach();
  void forgotten(const std::string& worker);
  void claim(time_point time);
  void execute(claimed_attempt what);
  void ended(const attempt_key& key, finished_attempt how);
  void send_heartbeat(time_point time);
  void send_outcomes(time_point time);
  void settle(const finish_receipt& receipt);
  void obey(const std::vector<attempt_stop>& stops);

  remote_service_options options_;
  poster post_;
  connection_state* connection_ = nullptr;
  std::function<void(const failure&)> registered_;
  std::string worker_; // its id; empty: not attached
  bool attaching_ = false;
  milliseconds lease_{15'000};
  time_point next_beat_;
  bool beating_ = false;
  bool leaving_ = false;
  uint32_t asked_ = 0; // attempts that claims under way ask for
  time_point next_claim_;
  std::map<attempt_key, running> running_;
  std::shared_ptr<handler_threads> threads_;
};

} // namespace overwatch
