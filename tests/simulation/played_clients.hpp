#pragma once

#include "tests/simulation/simulated_node.hpp"

#include <deque>

namespace overwatch::simulation {

/// Clients of a simulated cluster: they submit, submit again, cancel, wait, read and write keys, through any node that
/// is up, and tell the checker what they are told.
class played_clients {
public:
  explicit played_clients(node_world& all) : world_{all}, ids_{all.random.number(1, UINT32_MAX)} {}

  /// One of them asks this node for something.
  void ask(simulated_node& node);

  /// One of them has many tasks for one partition, which wait for nothing but slots.
  void submit_many(simulated_node& node, partition_id partition, size_t count);

  /// One of them makes a schedule with a slot each second, which soon ends, or asks for something of one.
  void ask_for_slots(simulated_node& node);

  /// And lists the tasks that its slots made.
  void look_at_slots(simulated_node& node, const schedule_record& schedule);

  /// One of them opens, closes or reads gates.
  void ask_for_gates(simulated_node& node);
  void set_gate(simulated_node& node, const std::string& gate, bool open);

  /// An operator asks this node for a change of the cluster.
  void add_node(simulated_node& node, const std::string& name);
  void remove_node(simulated_node& node, const std::string& name);
  void transfer(simulated_node& node, partition_id partition);

  /// One that a node that is up has not answered yet; empty: there is none.
  std::string open_request() const;

  uint64_t asked = 0;
  uint64_t answered = 0; ///< with what was asked for
  uint64_t refused = 0;  ///< with an error
  uint64_t cancels = 0;  ///< that were answered

private:
  template <class Reply, class Request>
  void request(simulated_node& node, Request what, std::function<void(Reply&)> done,
               std::function<void(const failure&)> failed = {});
  std::shared_ptr<const task_spec> new_task();
  void submit(simulated_node& node);
  void submit_again(simulated_node& node);
  void store(simulated_node& node, std::vector<std::shared_ptr<const task_spec>> specs);
  void cancel(simulated_node& node);
  void wait(simulated_node& node);
  void read(simulated_node& node, consistency level);
  void write_key(simulated_node& node);
  void read_key(simulated_node& node);
  void list(simulated_node& node);
  void read_gates(simulated_node& node);
  void put_schedule(simulated_node& node);
  void read_schedule(simulated_node& node, const std::string& name);
  void run_now(simulated_node& node, const std::string& name);
  void stop(simulated_node& node, const std::string& name);
  std::optional<task_id> any_task();

  node_world& world_;
  task_id_generator ids_;
  std::deque<std::shared_ptr<const task_spec>> specs_; ///< the newest that were submitted, acknowledged or not
  struct gate {
    std::string name;
    bool open = true;
    bool asked = false; ///< for a change that is not answered yet
  };
  std::deque<gate> gates_; ///< that tasks ask for
  std::deque<std::string> schedules_; ///< the newest that were acknowledged, and nobody asked to stop
  std::map<uint64_t, std::pair<host_id, std::string>> open_; ///< not answered: where, and what
  uint64_t values_ = 0;
};

} // namespace overwatch::simulation
