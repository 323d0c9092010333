#include "tests/simulation/log_cluster.hpp"

#include <algorithm>

namespace overwatch::simulation {

namespace {

constexpr milliseconds faulty{12'000}; ///< how long things go wrong
constexpr milliseconds step{10};
constexpr milliseconds patience{30'000}; ///< how long it may take until all is well again
constexpr milliseconds drowsy{10'000};   ///< and until all sleep
constexpr milliseconds fail_over{6'000}; ///< and until another one leads, of those that slept
constexpr size_t max_nodes = 8;          ///< ever made in a run
constexpr size_t max_voters = 5;

std::vector<member_id> ids(const std::vector<log_member>& members, bool voters) {
  std::vector<member_id> result;
  for (const auto& x : members)
    if (x.voter == voters)
      result.push_back(x.id);
  return result;
}

} // namespace

std::string to_string(const run_report& x) {
  return std::to_string(x.events) + " events, " + std::to_string(x.messages) + " messages, " +
         std::to_string(x.acknowledged) + " acknowledged, " + std::to_string(x.entries) + " entries, " +
         std::to_string(x.terms) + " terms, " + std::to_string(x.crashes) + " crashes, " +
         std::to_string(x.snapshots) + " snapshots installed, " + std::to_string(x.changes) + " changes of members, " +
         std::to_string(x.sleeps) + " sleeps";
}

log_cluster::log_cluster(uint64_t seed, mutation fault)
  : world_{seed}, network_{world_.time, world_.random, [this](auto, auto to, const auto& bytes) {
                             if (auto i = nodes_.find(to); i != nodes_.end())
                               i->second->deliver(bytes);
                           }} {
  world_.fault = fault;
  auto& random = world_.random;
  world_.clocks_jump = random.one_in(2);
  network_.faults.loss_one_in = random.one_in(3) ? 8 : 33;
  network_.faults.slow_one_in = random.one_in(3) ? 4 : 50;
  network_.faults.slow_delay = milliseconds{random.one_in(2) ? 300 : 900};
  notices_one_in_ = random.one_in(3) ? 30 : 5;
  auto size = world_.random.number(0, 2) * 2 + 1;
  std::vector<log_member> members;
  for (uint64_t i = 1; i <= size; ++i)
    members.push_back({i, "node" + std::to_string(i), true});
  for (uint64_t i = 1; i <= size; ++i)
    add_node(members);
}

log_node& log_cluster::add_node(std::vector<log_member> initial_members) {
  auto id = next_id_++;
  auto& x = *(nodes_[id] = std::make_unique<log_node>(world_, network_, id, std::move(initial_members)));
  x.set_clock_rate(static_cast<int>(world_.random.number(92, 108)));
  x.start();
  return x;
}

log_node* log_cluster::leader() {
  log_node* result = nullptr;
  for (auto& [id, x] : nodes_)
    if (x->leads() && (result == nullptr || x->log().term() > result->log().term()))
      result = x.get();
  return result;
}

log_node& log_cluster::any_node() {
  return *std::next(nodes_.begin(), static_cast<std::ptrdiff_t>(world_.random.number(0, nodes_.size() - 1)))->second;
}

void log_cluster::fail_link() {
  auto a = any_node().id();
  auto b = any_node().id();
  if (world_.random.one_in(4)) { // one node is alone
    for (const auto& [id, x] : nodes_) {
      network_.cut(a, id);
      network_.cut(id, a);
    }
  } else {
    network_.cut(a, b);
    if (world_.random.one_in(2))
      network_.cut(b, a);
  }
}

void log_cluster::crash_or_start() {
  auto& x = any_node();
  if (!x.is_up()) {
    x.start();
  } else if (!world_.random.one_in(3) && !x.begins()) {
    x.crash();
    ++report_.crashes;
    if (world_.random.one_in(2)) // back before anybody misses it
      x.start();
  }
}

void log_cluster::disturb_clock() {
  auto& x = any_node();
  x.set_clock_rate(static_cast<int>(world_.random.number(92, 108)));
  if (world_.clocks_jump)
    x.jump_clock(milliseconds{static_cast<int64_t>(world_.random.number(0, 600)) - 300});
}

void log_cluster::change_members() {
  auto* leading = leader();
  if (leading == nullptr)
    return;
  auto& log = leading->log();
  auto members = log.configuration().members;
  auto learners = ids(members, false);
  auto voters = ids(members, true);
  auto pick = [&](const auto& list) { return list[world_.random.number(0, list.size() - 1)]; };
  leading->wake();
  log_update update;
  auto answer = log_answer::bad_member;
  switch (world_.random.number(0, 3)) {
    case 0:
      if (learners.size() < 2 && nodes_.size() < max_nodes) {
        answer = log.add_member({next_id_, "node" + std::to_string(next_id_), false}, update);
        if (answer == log_answer::accepted)
          add_node({});
      }
      break;
    case 1:
      if (!learners.empty() && voters.size() < max_voters)
        answer = log.promote_member(pick(learners), update);
      break;
    case 2:
      answer = log.remove_member(pick(world_.random.one_in(2) && !learners.empty() ? learners : voters), update);
      break;
    case 3:
      log.transfer(pick(voters), update);
      break;
  }
  report_.changes += answer == log_answer::accepted ? 1 : 0;
  leading->drive(std::move(update));
}

// What links and memberships do for real nodes.
void log_cluster::watch_links() {
  for (auto& [a, from] : nodes_) {
    for (auto& [b, to] : nodes_) {
      if (a == b || !from->is_up())
        continue;
      auto& x = links_[{a, b}];
      if (x.own_life != from->life())
        x = {from->life(), 0};
      auto works = to->is_up() && !network_.is_cut(a, b) && !network_.is_cut(b, a);
      auto now = works ? to->life() + 1 : 0;
      if (x.told == now || !world_.random.one_in(notices_one_in_))
        continue;
      if (std::exchange(x.told, now) != 0)
        from->reach(b, false);
      if (now != 0)
        from->reach(b, true);
    }
    if (!from->leads() || !from->sleeps())
      asleep_.erase(a);
    else if (asleep_.insert(a).second)
      ++report_.sleeps;
  }
}

// All are there, and nobody asks for anything: they fall asleep. Then things go wrong again.
void log_cluster::rest(milliseconds duration) {
  resting_until_ = world_.time.now() + duration;
  network_.heal();
  for (auto& [id, x] : nodes_)
    if (!x->is_up())
      x->start();
}

// Every 10 ms.
void log_cluster::something_happens() {
  auto& random = world_.random;
  watch_links();
  auto rests = world_.time.now() < resting_until_;
  if (!rests && random.one_in(150))
    rest(random.between(milliseconds{300}, milliseconds{1'500}));
  if (!rests && random.one_in(3))
    for (auto& [id, x] : nodes_)
      if (x->leads())
        x->propose();
  if (random.one_in(40))
    fail_link();
  if (random.one_in(60))
    network_.heal();
  if (random.one_in(45))
    crash_or_start();
  if (random.one_in(40))
    disturb_clock();
  if (!rests && random.one_in(30))
    change_members();
  for (auto& [id, x] : nodes_)
    x->check_lease();
}

void log_cluster::heal() {
  network_.heal();
  network_.faults = {0, 0, 0, milliseconds{5}, milliseconds{0}};
  for (auto& [id, x] : nodes_)
    if (!x->is_up())
      x->start();
}

bool log_cluster::has_converged() {
  auto* leading = leader();
  if (leading == nullptr || leading->log().commit_index() != leading->log().last_index())
    return false;
  auto members = leading->log().configuration().members;
  return std::all_of(members.begin(), members.end(), [&](const auto& x) {
    auto& node = *nodes_.at(x.id);
    return node.is_up() && node.log().leader() == leading->id() && node.state().applied == leading->state().applied;
  });
}

std::string log_cluster::describe() {
  std::string text;
  for (auto& [id, x] : nodes_) {
    if (!x->is_up()) {
      text += "\n  node " + std::to_string(id) + " is down";
      continue;
    }
    auto& log = x->log();
    text += "\n  node " + std::to_string(id) + (log.leads() ? " leads" : " follows " + std::to_string(log.leader())) +
            (log.sleeps() ? " asleep" : "") + " in term " + std::to_string(log.term()) + ", last " +
            std::to_string(log.last_index()) + ", committed " +
            std::to_string(log.commit_index()) + ", applied " + std::to_string(x->state().applied) + ", members";
    for (const auto& member : log.configuration().members)
      text += " " + std::to_string(member.id) + (member.voter ? "v" : "l");
  }
  return text;
}

// Nothing goes wrong meanwhile.
void log_cluster::pass_step() {
  world_.time.run_until(world_.time.now() + step);
  watch_links();
  for (auto& [id, x] : nodes_)
    x->check_lease();
}

void log_cluster::converge() {
  auto acknowledged = world_.checker.acknowledgements();
  auto limit = world_.time.now() + patience;
  while (!has_converged() || world_.checker.acknowledgements() == acknowledged) {
    if (world_.time.now() > limit)
      throw broken_rule{"all is healed, and the nodes do not agree:" + describe()};
    auto* leading = leader();
    if (leading != nullptr && world_.random.one_in(10))
      leading->propose();
    pass_step();
  }
}

// A learner that hears late of a link that failed may be awake alone: it has nothing to do.
bool log_cluster::all_sleep() {
  auto* leading = leader();
  if (leading == nullptr)
    return false;
  auto voters = ids(leading->log().configuration().members, true);
  auto sleeps = [&](auto id) { return nodes_.at(id)->sleeps(); };
  return leading->sleeps() && std::all_of(voters.begin(), voters.end(), sleeps);
}

// Of a group in which nothing happens, and of one that loses its leader while it sleeps: by a crash, or by a cut that
// only silence tells of.
void log_cluster::sleep_and_lose_the_leader() {
  auto members = leader()->log().configuration().members;
  for (auto& [id, x] : nodes_) { // who is no member is told so by others than the log, and ends
    auto is_it = [id = id](const auto& member) { return member.id == id; };
    if (x->is_up() && std::none_of(members.begin(), members.end(), is_it))
      x->crash();
  }
  auto pass_until = [this](auto done, milliseconds duration, const char* otherwise) {
    for (auto limit = world_.time.now() + duration; !done();) {
      if (world_.time.now() > limit)
        throw broken_rule{otherwise + describe()};
      pass_step();
    }
  };
  if (members.size() > 1)
    pass_until([this] { return all_sleep(); }, drowsy, "nothing happens, and not all sleep:");
  if (ids(members, true).size() < 3)
    return;
  auto* lost = leader();
  auto term = lost->log().term();
  if (world_.random.one_in(2)) {
    lost->crash();
  } else {
    for (const auto& [id, x] : nodes_) {
      network_.cut(lost->id(), id);
      network_.cut(id, lost->id());
    }
  }
  pass_until(
    [&] {
      auto* next = leader();
      return next != nullptr && next != lost && next->log().term() > term;
    },
    fail_over, "the leader was lost while all slept, and nobody else leads:");
  auto acknowledged = world_.checker.acknowledgements();
  leader()->propose();
  pass_until([&] { return world_.checker.acknowledgements() > acknowledged || leader() == nullptr; }, fail_over,
             "the one that leads now commits nothing:");
  heal();
  converge();
}

run_report log_cluster::run() {
  while (world_.time.now() < faulty) {
    world_.time.run_until(world_.time.now() + step);
    something_happens();
  }
  heal();
  converge();
  sleep_and_lose_the_leader();
  world_.checker.nothing_lost(leader()->state());
  report_.events = world_.time.happened();
  report_.acknowledged = world_.checker.acknowledgements();
  report_.entries = world_.checker.entries();
  report_.terms = world_.checker.terms();
  report_.snapshots = world_.snapshots_installed;
  report_.messages = network_.sent();
  return report_;
}

} // namespace overwatch::simulation
