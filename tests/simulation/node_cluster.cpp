#include "tests/simulation/node_cluster.hpp"

#include "actors/node_document.hpp"
#include "messages/codec.hpp"

#include <algorithm>

namespace overwatch::simulation {

namespace {

constexpr milliseconds forming{30'000};  ///< how long a cluster may take to form
constexpr milliseconds patience{150'000}; ///< and until all is well again
constexpr milliseconds step{1};
constexpr milliseconds drowsy{20'000};    ///< how long it may take until all groups sleep
constexpr milliseconds fail_over{15'000}; ///< and until others lead what a node led that is lost
constexpr int slowest = 94;             ///< clocks, in percent
constexpr int fastest = 106;
constexpr size_t max_nodes = 7;         ///< ever made in a run

} // namespace

std::string to_string(const cluster_report& x) {
  auto text = [](uint64_t n, const char* what) { return std::to_string(n) + " " + what + ", "; };
  return text(x.nodes, "nodes") + text(x.steps, "steps") + text(x.frames, "frames") + text(x.entries, "entries")
         + text(x.tasks, "tasks") + text(x.attempts, "attempts") + text(x.crashes, "crashes") + text(x.cuts, "cuts")
         + text(x.disk_faults, "disk faults") + text(x.slots, "slots of schedules")
         + text(x.closed_gates, "closed gates") + text(x.changes, "changes of members")
         + text(x.lost_disks, "lost disks") + text(x.sleeps, "sleeps") + text(x.answered, "answers")
         + text(x.refused, "refusals") + text(x.current_reads, "current reads") + "history " + std::to_string(x.digest);
}

node_cluster::node_cluster(uint64_t seed, mutation fault) : world_{seed}, clients_{world_} {
  auto& random = world_.random;
  world_.fault = fault;
  world_.any_order = random.one_in(2);
  faulty_ = milliseconds{random.number(8'000, 25'000)};
  world_.net.faults.loss_one_in = random.one_in(3) ? 12 : 60;
  world_.net.faults.slow_one_in = random.one_in(3) ? 8 : 40;
  heal_one_in_ = random.one_in(3) ? 700 : 200;
  if (fault == mutation::accept_stale) { // attempts have to outlive the patience with their node
    heal_one_in_ = 700;
    faulty_ = milliseconds{40'000};
  }
  world_.partitions = random.one_in(3) ? 3 : 1;
  make_nodes();
}

void node_cluster::make_nodes() {
  auto size = world_.random.number(0, 5);
  size = size == 0 ? 1 : size == 1 ? 5 : 3;
  report_.nodes = size;
  std::vector<std::string> names;
  for (uint64_t i = 0; i < size; ++i)
    names.push_back("n" + std::to_string(i + 1));
  for (const auto& name : names) {
    founders_.insert(name);
    add_node(name, size == 1 ? std::vector<std::string>{} : names);
  }
}

simulated_node& node_cluster::add_node(const std::string& name, std::vector<std::string> known) {
  auto& x = nodes_[name];
  x = std::make_unique<simulated_node>(world_, name, std::move(known));
  x->set_clock_rate(static_cast<int>(world_.random.number(slowest, fastest)));
  x->start();
  return *x;
}

// -- what happens ------------------------------------------------------------------

void node_cluster::advance() {
  world_.time.run_until(world_.time.now() + step);
  for (auto& [name, x] : nodes_)
    x->run();
  if (const auto& finding = world_.checker.finding(); !finding.empty())
    throw broken_rule{finding};
}

simulated_node& node_cluster::any_node() {
  return *std::next(nodes_.begin(), static_cast<std::ptrdiff_t>(world_.random.number(0, nodes_.size() - 1)))->second;
}

simulated_node* node_cluster::any_that_is_up() {
  auto& x = any_node();
  return x.is_up() ? &x : nullptr;
}

simulated_node* node_cluster::leader() {
  for (auto& [name, x] : nodes_)
    if (x->leads(control_partition))
      return x.get();
  return nullptr;
}

void node_cluster::fail_network() {
  auto& random = world_.random;
  auto a = random.one_in(3) && leader() ? leader()->name() : any_node().name();
  auto breaks = random.one_in(2);
  ++report_.cuts;
  auto one_way = random.one_in(3);
  auto alone = random.one_in(3);
  auto only = any_node().name();
  for (const auto& [b, x] : nodes_) {
    if (b == a || (!alone && b != only))
      continue;
    if (!one_way || random.one_in(2))
      world_.net.cut(a, b);
    if (!one_way || !world_.net.is_cut(a, b))
      world_.net.cut(b, a);
    if (breaks)
      world_.time.after(random.between(milliseconds{0}, milliseconds{4'000}),
                        [this, a, b] { world_.net.break_connections(a, b); });
  }
}

void node_cluster::crash_or_start() {
  auto& random = world_.random;
  auto& x = random.one_in(3) && leader() ? *leader() : any_node();
  if (!x.is_up()) {
    x.start();
    return;
  }
  ++report_.crashes;
  if (random.one_in(2))
    x.life().crash_after = random.number(1, 300); // in the middle of something
  else
    x.crash();
  if (random.one_in(2)) // back before anybody misses it
    world_.time.after(random.between(milliseconds{1}, milliseconds{1'500}), [&x] {
      if (!x.is_up())
        x.start();
    });
}

void node_cluster::fail_disk() {
  auto& random = world_.random;
  auto& x = any_node();
  ++report_.disk_faults;
  switch (random.number(0, 3)) {
    case 0:
      x.disk().fill(true);
      world_.time.after(random.between(milliseconds{100}, milliseconds{5'000}), [&x] { x.disk().fill(false); });
      break;
    case 1:
      x.stall_disk(random.between(milliseconds{1}, milliseconds{1'500}));
      break;
    case 2:
      x.disk().faults = {random.number(3, 40), random.number(3, 40), 0};
      world_.time.after(random.between(milliseconds{100}, milliseconds{3'000}), [&x] { x.disk().faults = {}; });
      break;
    case 3:
      x.disk().faults.die_one_in = random.number(2, 60);
      world_.time.after(milliseconds{2'000}, [&x] { x.disk().faults.die_one_in = 0; });
      break;
  }
}

void node_cluster::disturb_clock() {
  auto& x = any_node();
  x.set_clock_rate(static_cast<int>(world_.random.number(slowest, fastest)));
  if (world_.random.one_in(2))
    x.jump_clock(milliseconds{static_cast<int64_t>(world_.random.number(0, 8'000)) - 4'000});
}

// Every 10 ms.
void node_cluster::something_happens() {
  auto& random = world_.random;
  count_sleeps();
  auto rests = world_.time.now() < resting_until_;
  if (!rests && world_.fault != mutation::accept_stale && random.one_in(400))
    rest();
  if (!rests && random.one_in(12))
    if (auto* x = any_that_is_up())
      clients_.ask(*x);
  if (random.one_in(250))
    fail_network();
  if (random.one_in(heal_one_in_))
    world_.net.heal();
  if (random.one_in(170))
    crash_or_start();
  if (random.one_in(250))
    fail_disk();
  if (random.one_in(150))
    disturb_clock();
  auto rare = world_.fault == mutation::accept_stale; // that one is found where many attempts are lost
  if (!rests && !rare && random.one_in(80))
    if (auto* x = any_that_is_up())
      clients_.ask_for_slots(*x);
  if (!rests && !rare && random.one_in(80))
    if (auto* x = any_that_is_up())
      clients_.ask_for_gates(*x);
  if (!rests && random.one_in(300))
    change_members();
  if (random.one_in(150) && founders_.size() > 1 && may_lose_a_disk())
    lose_disk();
}

// All are there, and nobody asks for anything: groups fall asleep. Then things go wrong again.
void node_cluster::rest() {
  resting_until_ = world_.time.now() + world_.random.between(milliseconds{1'000}, milliseconds{5'000});
  world_.net.heal();
  for (auto& [name, x] : nodes_)
    if (!x->is_up())
      x->start();
}

void node_cluster::count_sleeps() {
  for (const auto& [name, x] : nodes_)
    for (partition_id partition = 0; partition < world_.partitions; ++partition) {
      const auto* replica = x->replica_of(partition);
      if (!replica || !replica->log->log().leads() || !replica->log->log().sleeps())
        asleep_.erase({name, partition});
      else if (asleep_.emplace(name, partition).second)
        ++report_.sleeps;
    }
}

void node_cluster::lose_disk() {
  auto& x = any_node();
  ++report_.lost_disks;
  if (x.is_up())
    x.crash();
  x.wipe();
  x.start();
}

void node_cluster::change_members() {
  auto& random = world_.random;
  auto* via = any_that_is_up();
  if (!via)
    return;
  ++report_.changes;
  auto& other = any_node();
  switch (random.number(0, 2)) {
    case 0:
      if (nodes_.size() < max_nodes) {
        auto name = "n" + std::to_string(nodes_.size() + 1);
        clients_.add_node(*via, name);
        std::vector<std::string> known{founders_.begin(), founders_.end()};
        if (founders_.count(via->name()) == 0)
          known.push_back(via->name());
        add_node(name, std::move(known));
      }
      break;
    case 1: // one that was not there from the beginning, so that some stay
      if (founders_.count(other.name()) == 0)
        clients_.remove_node(*via, other.name());
      break;
    case 2:
      clients_.transfer(*via, static_cast<partition_id>(random.number(0, world_.partitions - 1)));
      break;
  }
}

// What is on all disks may be lost on one of them; what is on a majority may not.
bool node_cluster::may_lose_a_disk() const {
  for (partition_id partition = 0; partition < world_.partitions; ++partition)
    if (!unrest_of(partition).empty())
      return false;
  return true;
}

void node_cluster::heal() {
  world_.net.heal();
  world_.net.faults = {0, 0, 0, milliseconds{4}, milliseconds{0}};
  for (auto& [name, x] : nodes_) {
    x->disk().fill(false);
    x->disk().faults = {};
    x->set_clock_rate(100);
    if (x->is_up())
      x->life().crash_after = 0;
    else
      x->start();
  }
}

// -- what must be in the end ---------------------------------------------------------

bool node_cluster::is_member(const std::string& node) const {
  const auto* control = leading(control_partition);
  const auto* document = control ? control->machine->documents().find(document_kind::node, node) : nullptr;
  node_document x;
  if (document && document->value && decode(*document->value, x))
    return !x.removed;
  return founders_.count(node) > 0;
}

bool node_cluster::is_formed() const {
  for (partition_id partition = 0; partition < world_.partitions; ++partition)
    if (!leading(partition))
      return false;
  return true;
}

const replica_state* node_cluster::leading(partition_id partition) const {
  for (const auto& [name, x] : nodes_)
    if (x->leads(partition))
      return x->replica_of(partition);
  return nullptr;
}

std::string node_cluster::unrest() const {
  for (partition_id partition = 0; partition < world_.partitions; ++partition)
    if (auto why = unrest_of(partition); !why.empty())
      return "partition " + std::to_string(partition) + ": " + why;
  for (const auto& id : world_.checker.tasks()) {
    auto task = leading(id.partition())->machine->find(id);
    if (!task)
      throw broken_rule{to_string(id) + " was acknowledged, and is lost"};
    if (!is_terminal(task->state.status))
      return to_string(id) + " is " + std::string{name_of(task->state.status)} + ", attempt "
             + std::to_string(task->state.fence.attempt) + " on " + task->state.node + ", waits for \""
             + task->state.waits_for + "\"";
  }
  for (const auto& schedule : schedules())
    if (!schedule.definition.paused && (schedule.next || !schedule.queued.empty()))
      return schedule.name + " has slots to come" ;
  if (auto open = clients_.open_request(); !open.empty())
    return "a request has no answer: " + open;
  return {};
}

std::string node_cluster::unrest_of(partition_id partition) const {
  const auto* leader = leading(partition);
  if (!leader)
    return "nobody leads";
  const auto& log = leader->log->log();
  const auto members = log.configuration().members;
  auto expected = std::count_if(nodes_.begin(), nodes_.end(), [this](const auto& x) { return is_member(x.first); });
  if (static_cast<int64_t>(members.size()) != expected)
    return "it has " + std::to_string(members.size()) + " members, not " + std::to_string(expected);
  if (!std::all_of(members.begin(), members.end(), [](const auto& x) { return x.voter; }))
    return "not all members vote";
  for (const auto& [name, x] : nodes_) {
    const auto* replica = x->replica_of(partition);
    if (is_member(name) && (!replica || replica->machine->applied() != log.last_index()))
      return name + " lags behind";
  }
  return {};
}

void node_cluster::compare_states() {
  for (auto& [name, x] : nodes_)
    for (const auto& replica : x->replicas())
      x->call([replica](caf::event_based_actor* self) {
        self->request(replica, std::chrono::seconds{5}, flush_request{})
          .then([](uint64_t) {}, [](const caf::error&) {});
      });
  for (auto until = world_.time.now() + milliseconds{1'000}; world_.time.now() < until;)
    advance();
  for (auto& [name, x] : nodes_) {
    if (!is_member(name))
      continue;
    for (partition_id partition = 0; partition < world_.partitions; ++partition) {
      const auto& machine = *x->replica_of(partition)->machine;
      if (!machine.dirty())
        world_.checker.state(name, partition, machine.applied(), machine.digest());
    }
    for (const auto& id : world_.checker.tasks()) {
      auto task = x->replica_of(id.partition())->machine->find(id);
      if (!task)
        throw broken_rule{to_string(id) + " was acknowledged, and is lost on " + name};
      world_.checker.told(*task);
    }
  }
  if (const auto& finding = world_.checker.finding(); !finding.empty())
    throw broken_rule{finding};
}

std::string node_cluster::describe() const {
  std::string text;
  for (const auto& [name, x] : nodes_)
    for (partition_id partition = 0; partition < world_.partitions; ++partition) {
      text += "\n  " + name + ", partition " + std::to_string(partition) + ":";
      const auto* replica = x->replica_of(partition);
      if (!replica) {
        text += x->is_up() ? " is in no cluster" : " is down";
        continue;
      }
      const auto& log = replica->log->log();
      text += (log.leads() ? " leads" : " follows " + std::to_string(log.leader() % 10'000))
              + (log.sleeps() ? " asleep" : "") + " in term " + std::to_string(log.term()) + ", last "
              + std::to_string(log.last_index()) + ", committed "
              + std::to_string(log.commit_index()) + ", applied " + std::to_string(replica->machine->applied())
              + ", members";
      for (const auto& member : log.configuration().members)
        text += " " + std::to_string(member.id % 10'000) + (member.voter ? "v" : "l");
      text += ", sees";
      for (const auto& [peer, report] : replica->group.peers)
        text += " " + peer + (report.up ? " " : " (down) ") + std::to_string(report.member % 10'000);
    }
  return text;
}

bool node_cluster::all_sleep() const {
  for (const auto& [name, x] : nodes_)
    for (partition_id partition = 0; partition < world_.partitions; ++partition)
      if (const auto* replica = is_member(name) ? x->replica_of(partition) : nullptr)
        if (replica->log->log().configuration().members.size() > 1 && !replica->log->log().sleeps())
          return false;
  return true;
}

// Nobody asks for anything, so all groups sleep. Then a node that leads is lost: it dies, or is cut off, may be in one
// direction only. Others take over, although no heartbeat was missed, and the lost one says nothing that is old.
void node_cluster::sleep_and_lose_a_leader() {
  auto pass_until = [this](auto done, milliseconds duration, const char* otherwise) {
    for (auto end = world_.time.now() + duration; !done(); advance())
      if (world_.time.now() > end)
        throw broken_rule{otherwise + describe()};
  };
  pass_until([this] { return all_sleep(); }, drowsy, "nothing happens, and not all groups sleep:");
  count_sleeps();
  auto* lost = leader();
  if (founders_.size() < 3 || !lost)
    return;
  auto kind = world_.random.number(0, 3);
  if (kind == 0)
    lost->crash();
  for (const auto& [name, x] : nodes_) {
    if (x.get() != lost && (kind == 1 || kind == 2))
      world_.net.cut(lost->name(), name);
    if (x.get() != lost && (kind == 1 || kind == 3))
      world_.net.cut(name, lost->name());
  }
  auto others_lead = [&] {
    std::set<partition_id> led;
    for (const auto& [name, x] : nodes_)
      for (partition_id partition = 0; partition < world_.partitions; ++partition)
        if (x.get() != lost && x->leads(partition))
          led.insert(partition);
    return led.size() == world_.partitions;
  };
  pass_until(others_lead, fail_over, "a node was lost while all slept, and not all are led:");
  for (int i = 0; i < 2'000; ++i, advance())
    if (auto* x = i % 40 == 0 && lost->is_up() ? lost : any_that_is_up(); x && i % 20 == 0)
      clients_.ask(*x);
  heal();
  come_to_rest();
}

void node_cluster::come_to_rest() {
  auto end = world_.time.now() + patience;
  std::string why;
  do {
    for (int i = 0; i < 100; ++i)
      advance();
    open_gates();
    if (world_.time.now() > end)
      throw broken_rule{"all is healed, and the cluster is not well: " + why + describe()};
  } while (!(why = unrest()).empty());
}

cluster_report node_cluster::run() {
  while (!is_formed()) {
    if (world_.time.now() > forming)
      throw broken_rule{"no cluster forms:" + describe()};
    advance();
  }
  auto end = world_.time.now() + faulty_;
  while (world_.time.now() < end) {
    advance();
    if (world_.time.now().count() % 10 == 0)
      something_happens();
  }
  heal();
  come_to_rest();
  use_all_slots();
  come_to_rest();
  look_at_schedules();
  sleep_and_lose_a_leader();
  compare_states();
  report_.frames = world_.net.sent();
  report_.entries = world_.checker.entries;
  report_.tasks = world_.checker.tasks().size();
  report_.attempts = world_.checker.attempts;
  report_.answered = clients_.answered;
  report_.refused = clients_.refused;
  report_.current_reads = world_.checker.current_reads;
  report_.closed_gates = world_.gates.closed;
  report_.slots = world_.schedules.accounted;
  report_.steps = world_.steps;
  for (const auto& [name, x] : nodes_)
    report_.steps += x->is_up() ? x->life().steps() : 0;
  report_.digest = world_.net.digest();
  return report_;
}

} // namespace overwatch::simulation
