#include "tests/simulation/played_clients.hpp"

#include "messages/task_spread.hpp"

#include <caf/deep_to_string.hpp>
#include <caf/event_based_actor.hpp>

#include <algorithm>

namespace overwatch::simulation {

namespace {

constexpr std::chrono::seconds request_patience{100};
constexpr std::chrono::seconds answer_limit{40}; ///< longer than any node may take
constexpr size_t remembered = 60;
constexpr milliseconds schedule_lasts{12'000};
constexpr size_t remembered_schedules = 4;
constexpr size_t gates_at_once = 2;
const timestamp beginning{std::chrono::hours{24 * 365 * 56}};

} // namespace

template <class Reply, class Request>
void played_clients::request(simulated_node& node, Request what, std::function<void(Reply&)> done,
                             std::function<void(const failure&)> failed) {
  auto life = node.life().id();
  auto number = ++asked;
  auto asked_at = world_.time.now();
  auto description = node.name() + " at " + std::to_string(world_.time.now().count()) + " ms: "
                     + caf::deep_to_string(what);
  open_[number] = {life, description};
  // What a node says while it dies is not heard.
  auto is_alive = [this, life, number] {
    open_.erase(number);
    return world_.net.living(life) != nullptr;
  };
  node.call([=, front = node.front()](caf::event_based_actor* self) {
    self->request(front, request_patience, what)
      .then(
        [=](Reply& reply) {
          if (!is_alive())
            return;
          ++answered;
          done(reply);
        },
        [=](const caf::error& error) {
          if (!is_alive())
            return;
          ++refused;
          auto why = describe(error);
          world_.net.add_to_digest(std::hash<std::string>{}(why.message));
          if (world_.time.now() - asked_at > answer_limit) // else a node says that it waited too long itself
            world_.checker.fail("a request was left without an answer: " + description);
          if (failed)
            failed(why);
        });
  });
}

std::string played_clients::open_request() const {
  for (const auto& [number, x] : open_)
    if (world_.net.living(x.first))
      return x.second;
  return {};
}

void played_clients::ask(simulated_node& node) {
  auto kind = world_.random.number(0, 99);
  if (kind < 34)
    submit(node);
  else if (kind < 42)
    submit_again(node);
  else if (kind < 52)
    cancel(node);
  else if (kind < 58)
    wait(node);
  else if (kind < 76)
    read(node, world_.random.one_in(4) ? consistency::local : consistency::current);
  else if (kind < 85)
    write_key(node);
  else if (kind < 96)
    read_key(node);
  else
    list(node);
}

// -- tasks -----------------------------------------------------------------------

std::shared_ptr<const task_spec> played_clients::new_task() {
  auto& random = world_.random;
  auto x = std::make_shared<task_spec>();
  auto time = beginning + world_.time.now();
  x->name = "task " + std::to_string(++values_);
  x->task_type = random.one_in(3) ? "drill" : "work";
  x->importance = static_cast<priority>(random.number(0, 4));
  x->retry.max_attempts = static_cast<uint32_t>(random.number(1, 4));
  x->retry.base = milliseconds{random.number(10, 400)};
  if (random.one_in(6))
    x->resources.exclusive.push_back(random.one_in(2) ? "door" : "window");
  else if (random.one_in(5))
    x->concurrency = {"lane", 2};
  if (random.one_in(10))
    x->scheduled_at = time + milliseconds{random.number(0, 3'000)};
  if (random.one_in(10))
    x->timeout = milliseconds{random.number(200, 2'000)};
  if (random.one_in(12))
    x->deadline = time + milliseconds{random.number(500, 10'000)};
  if (random.one_in(12))
    x->resources.cpu = 0.3;
  if (random.one_in(8) && !world_.checker.tasks().empty()) {
    x->depends_on.push_back(*any_task());
    x->on_dependency_failure = dependency_policy::run;
  }
  if (random.one_in(12))
    x->unique_key = "only" + std::to_string(random.number(1, 3));
  if (random.one_in(15))
    x->fairness_key = "user" + std::to_string(random.number(1, 3));
  if (!gates_.empty() && random.one_in(6)) {
    x->required_gates.push_back(gates_[random.number(0, gates_.size() - 1)].name);
    x->on_closed_gate = random.one_in(6) ? gate_policy::fail : gate_policy::wait;
    x->cancel_on_gate_close = random.one_in(6);
  }
  auto spread = static_cast<partition_id>(random.number(0, world_.partitions - 1));
  x->id = ids_.next(time, choose_partition(*x, spread, world_.partitions));
  return x;
}

void played_clients::submit(simulated_node& node) {
  auto count = world_.random.one_in(4) ? world_.random.number(2, 6) : 1;
  std::vector<std::shared_ptr<const task_spec>> specs;
  for (uint64_t i = 0; i < count; ++i) {
    specs.push_back(new_task());
    specs_.push_back(specs.back());
  }
  while (specs_.size() > remembered)
    specs_.pop_front();
  store(node, std::move(specs));
}

void played_clients::submit_many(simulated_node& node, partition_id partition, size_t count) {
  std::vector<std::shared_ptr<const task_spec>> specs;
  for (size_t i = 0; i < count; ++i) {
    auto x = std::make_shared<task_spec>();
    x->id = ids_.next(beginning + world_.time.now(), partition);
    x->name = "task " + std::to_string(++values_);
    x->task_type = i % 2 == 0 ? "work" : "drill";
    specs.push_back(std::move(x));
  }
  store(node, std::move(specs));
}

void played_clients::submit_again(simulated_node& node) {
  if (!specs_.empty())
    store(node, {specs_[world_.random.number(0, specs_.size() - 1)]});
}

void played_clients::store(simulated_node& node, std::vector<std::shared_ptr<const task_spec>> specs) {
  submit_request x;
  for (const auto& spec : specs)
    x.tasks.push_back({std::make_shared<task_spec>(*spec), std::make_shared<const std::string>("{}")});
  request<submit_reply>(node, std::move(x), [this, specs](submit_reply& reply) {
    if (reply.receipts.size() != specs.size())
      world_.checker.fail("a submit has not as many receipts as tasks");
    for (size_t i = 0; i < reply.receipts.size(); ++i) {
      const auto& receipt = reply.receipts[i];
      if (!receipt.error && receipt.id != specs[i]->id && specs[i]->unique_key.empty())
        world_.checker.fail("a receipt names another task");
      world_.checker.acknowledged(receipt);
    }
  });
}

std::optional<task_id> played_clients::any_task() {
  const auto& tasks = world_.checker.tasks();
  if (tasks.empty())
    return std::nullopt;
  auto back = world_.random.number(0, std::min<uint64_t>(tasks.size() - 1, world_.random.one_in(3) ? 1'000 : 12));
  return *std::next(tasks.rbegin(), static_cast<std::ptrdiff_t>(back));
}

void played_clients::cancel(simulated_node& node) {
  if (auto id = any_task())
    request<task_record>(node, cancel_request{*id, "a client wants it"}, [this](task_record& x) {
      ++cancels;
      world_.checker.told(x);
    });
}

void played_clients::wait(simulated_node& node) {
  if (auto id = any_task())
    request<task_record>(node, wait_request{*id, milliseconds{world_.random.number(0, 5'000)}},
                         [this](task_record& x) { world_.checker.told(x); });
}

void played_clients::read(simulated_node& node, consistency level) {
  auto id = any_task();
  if (!id)
    return;
  auto before = level == consistency::current ? world_.checker.known(*id) : task_checker::knowledge{};
  request<task_record>(
    node, get_request{*id, level},
    [this, id = *id, before](task_record& x) {
      world_.checker.told(x);
      world_.checker.read(id, before, &x);
    },
    [this, id = *id, before](const failure& why) {
      if (why.code == ec::not_found)
        world_.checker.read(id, before, nullptr);
    });
}

void played_clients::list(simulated_node& node) {
  list_request x;
  x.limit = 20;
  request<task_page>(node, x, [this](task_page& page) {
    for (auto& task : page.tasks)
      world_.checker.told(task);
  });
}

// -- schedules -------------------------------------------------------------------

void played_clients::ask_for_slots(simulated_node& node) {
  auto& random = world_.random;
  if (schedules_.empty() || random.one_in(4)) {
    put_schedule(node);
    return;
  }
  auto name = schedules_[random.number(0, schedules_.size() - 1)];
  auto kind = random.number(0, 9);
  if (kind < 6)
    read_schedule(node, name);
  else if (kind < 9)
    run_now(node, name);
  else
    stop(node, name);
}

// Most leave out no slot.
void played_clients::put_schedule(simulated_node& node) {
  auto& random = world_.random;
  auto spec = std::make_shared<task_spec>();
  spec->name = "slot";
  spec->task_type = "work";
  put_schedule_request x;
  x.name = "schedule" + std::to_string(++values_);
  auto& definition = x.definition;
  definition.interval = std::chrono::seconds{1};
  definition.starts_at = beginning + world_.time.now();
  definition.ends_at = *definition.starts_at + random.between(schedule_lasts / 3, schedule_lasts);
  definition.missed = random.one_in(4) ? missed_policy::once : missed_policy::all;
  definition.overlap = random.one_in(4) ? static_cast<overlap_policy>(random.number(1, 2)) : overlap_policy::allow;
  definition.task = {std::move(spec), std::make_shared<const std::string>("{}")};
  request<schedule_record>(node, std::move(x), [this](schedule_record& made) {
    world_.schedules.promised(made);
    schedules_.push_back(made.name);
    if (schedules_.size() > remembered_schedules)
      schedules_.pop_front();
  });
}

void played_clients::read_schedule(simulated_node& node, const std::string& name) {
  auto before = world_.schedules.known(name);
  request<schedule_record>(
    node, schedule_request{name},
    [this, name, before](schedule_record& x) { world_.schedules.read(name, before, &x); },
    [this, name](const failure& why) {
      if (why.code == ec::not_found)
        world_.schedules.read(name, {}, nullptr);
    });
}

void played_clients::run_now(simulated_node& node, const std::string& name) {
  request<schedule_record>(node, control_schedule_request{name, schedule_action::run_now}, [this](schedule_record& x) {
    if (x.history.empty() || !x.history.front().by_hand || x.history.front().task.is_nil())
      world_.checker.fail("schedule " + x.name + " shall run now, and its newest slot is another one");
    else
      world_.checker.acknowledged({x.history.front().task, task_status::pending, false, {}});
  });
}

void played_clients::stop(simulated_node& node, const std::string& name) {
  schedules_.erase(std::remove(schedules_.begin(), schedules_.end(), name), schedules_.end());
  world_.schedules.asked_to_stop(name);
  auto done = [this](schedule_record& x) { world_.schedules.stopped(x.name); };
  if (world_.random.one_in(2))
    request<schedule_record>(node, control_schedule_request{name, schedule_action::pause}, done);
  else
    request<schedule_record>(node, remove_schedule_request{name}, done);
}

void played_clients::look_at_slots(simulated_node& node, const schedule_record& schedule) {
  list_request x;
  x.limit = 1'000;
  x.filter.origin = origin_kind::schedule;
  x.filter.origin_id = schedule.name;
  x.level = consistency::local; // the cluster is at rest; and one that leads after a transfer that failed has no lease
  request<task_page>(
    node, x,
    [this, schedule](task_page& page) {
      for (const auto& task : page.tasks)
        world_.checker.told(task);
      world_.schedules.look_at(schedule, page);
    },
    [this](const failure& why) { world_.checker.fail("tasks cannot be listed: " + why.message); });
}

// -- gates -----------------------------------------------------------------------

void played_clients::ask_for_gates(simulated_node& node) {
  auto& random = world_.random;
  while (gates_.size() < gates_at_once)
    gates_.push_back({"gate" + std::to_string(++values_)});
  auto& gate = gates_[random.number(0, gates_at_once - 1)];
  if (random.one_in(3)) {
    read_gates(node);
  } else if (!gate.asked) {
    gate.asked = true;
    set_gate(node, gate.name, !gate.open);
  } else if (random.one_in(8)) { // its answer may never come
    gate = {"gate" + std::to_string(++values_)};
  }
}

void played_clients::set_gate(simulated_node& node, const std::string& name, bool open) {
  auto find = [this, name] {
    return std::find_if(gates_.begin(), gates_.end(), [&](const auto& x) { return x.name == name; });
  };
  auto change = world_.gates.asked(name);
  set_gate_request x;
  x.name = name;
  x.open = open;
  x.by = "a client";
  request<gate_record>(
    node, std::move(x),
    [this, find, change](gate_record& now) {
      world_.gates.told(now.name, change, now.open);
      if (auto gate = find(); gate != gates_.end())
        *gate = {now.name, now.open, false};
    },
    [this, find](const failure&) { // it may be done later
      if (auto gate = find(); gate != gates_.end())
        gates_.erase(gate);
    });
}

void played_clients::read_gates(simulated_node& node) {
  request<gates_reply>(node, gates_request{}, [this, before = world_.gates.known()](gates_reply& x) {
    world_.gates.read(before, x);
  });
}

// -- the cluster -----------------------------------------------------------------

void played_clients::add_node(simulated_node& node, const std::string& name) {
  request<cluster_status>(node, add_node_request{name, simulated_node::address_of(name)}, [](cluster_status&) {});
}

void played_clients::remove_node(simulated_node& node, const std::string& name) {
  request<cluster_status>(node, remove_node_request{name}, [](cluster_status&) {});
}

void played_clients::transfer(simulated_node& node, partition_id partition) {
  request<group_status>(node, transfer_request{partition, {}}, [](group_status&) {});
}

// -- keys ------------------------------------------------------------------------

void played_clients::write_key(simulated_node& node) {
  auto key = "key" + std::to_string(world_.random.number(1, 4));
  request<key_record>(node, put_key_request{key, std::to_string(++values_), {}},
                      [this](key_record& x) { world_.checker.wrote(x); });
}

void played_clients::read_key(simulated_node& node) {
  auto key = "key" + std::to_string(world_.random.number(1, 4));
  auto before = world_.checker.known_version(key);
  request<key_record>(
    node, get_key_request{key},
    [this, before](key_record& x) {
      world_.checker.read(x.key, before, x.version);
      world_.checker.wrote(x);
    },
    [this, key, before](const failure& why) {
      if (why.code == ec::not_found)
        world_.checker.read(key, before, 0);
    });
}

} // namespace overwatch::simulation
