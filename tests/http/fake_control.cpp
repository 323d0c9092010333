#include "tests/http/fake_control.hpp"

namespace overwatch::fake {

namespace {

template <class Map, class Key>
caf::result<typename Map::mapped_type> find(const Map& map, const Key& key) {
  auto found = map.find(key);
  if (found == map.end())
    return make_error(ec::not_found, "it is not there");
  return found->second;
}

template <class Map, class Key>
caf::result<typename Map::mapped_type> take(Map& map, const Key& key) {
  auto out = find(map, key);
  map.erase(key);
  return out;
}

} // namespace

// -- one task ------------------------------------------------------------------

caf::result<task_record> patch(fake_node& node, const patch_request& x) {
  node.patches.push_back(x);
  return find(node.tasks, x.id);
}

caf::result<task_record> approve(fake_node& node, const approve_request& x) {
  if (auto found = node.tasks.find(x.id); found != node.tasks.end())
    found->second.state.approvals.push_back({x.gate, x.by, x.reason, now()});
  return find(node.tasks, x.id);
}

caf::result<task_record> rollback(fake_node& node, const rollback_request& x) {
  auto found = node.tasks.find(x.id);
  if (found == node.tasks.end())
    return make_error(ec::not_found, "no task has this id");
  auto& state = found->second.state;
  if (state.rollback != rollback_status::none)
    return make_error(ec::conflict, "the task was rolled back already");
  state.rollback = rollback_status::done;
  state.rollback_message = x.by + ": " + x.reason;
  return found->second;
}

caf::result<snapshot_record> snapshot(fake_node& node, const get_snapshot_request& x) {
  if (node.tasks.count(x.id) == 0)
    return make_error(ec::not_found, "no task has this id");
  snapshot_record record;
  record.id = x.id;
  record.attempt = 2;
  record.stored = true;
  record.kept_until = now();
  record.entries = 2;
  record.bytes = 42;
  record.files = {{"/srv/a", snapshot_entry_kind::file, 42, 0640}, {"/srv/b", snapshot_entry_kind::absent, 0, 0}};
  record.keys = {{"app/mode", 17, 4}};
  record.handler_state = true;
  return record;
}

// -- workflows -----------------------------------------------------------------

caf::result<workflow_record> submit_workflow(fake_node& node, const submit_workflow_request& x) {
  workflow_record record;
  record.id = x.id.is_nil() ? node.ids.next(now(), 0) : x.id;
  record.name = x.name;
  record.compensation = x.compensate ? compensation_status::ready : compensation_status::off;
  record.created_at = now();
  for (const auto& task : x.tasks)
    record.tasks.push_back({task.name, node.ids.next(now(), 0), task_status::queued, rollback_status::none,
                            task.depends_on});
  node.submitted_workflows.push_back(x);
  node.workflows[record.id] = record;
  return record;
}

caf::result<workflow_record> get_workflow(fake_node& node, const get_workflow_request& x) {
  return find(node.workflows, x.id);
}

caf::result<workflow_record> cancel_workflow(fake_node& node, const cancel_workflow_request& x) {
  auto found = node.workflows.find(x.id);
  if (found == node.workflows.end())
    return make_error(ec::not_found, "no workflow has this id");
  if (found->second.status != workflow_status::running)
    return make_error(ec::conflict, "the workflow has ended already");
  found->second.status = workflow_status::cancelled;
  found->second.cancel_reason = x.reason;
  return found->second;
}

caf::result<workflow_page> list_workflows(fake_node& node, const list_workflows_request& x) {
  workflow_page page;
  for (auto i = node.workflows.rbegin(); i != node.workflows.rend(); ++i) {
    if (x.before && !(i->first < *x.before))
      continue;
    if (page.workflows.size() == x.limit) {
      page.next = page.workflows.back().id;
      break;
    }
    page.workflows.push_back(i->second);
    page.workflows.back().tasks.clear();
  }
  return page;
}

// -- gates ---------------------------------------------------------------------

caf::result<gates_reply> gates(fake_node& node, const gates_request&) {
  gates_reply reply;
  for (const auto& [name, gate] : node.gates)
    reply.gates.push_back(gate);
  return reply;
}

caf::result<gate_record> set_gate(fake_node& node, const set_gate_request& x) {
  auto& gate = node.gates[x.name];
  gate.name = x.name;
  if (x.definition)
    gate.definition = *x.definition;
  if (x.open)
    gate.open = *x.open;
  gate.history.insert(gate.history.begin(), {now(), gate.open, x.by, x.reason});
  return gate;
}

caf::result<gate_record> remove_gate(fake_node& node, const remove_gate_request& x) { return take(node.gates, x.name); }

// -- keys ----------------------------------------------------------------------

namespace {

// Whether a change that expects this version may go on.
bool matches(const fake_node& node, const std::string& key, const std::optional<uint64_t>& expected) {
  auto found = node.keys.find(key);
  return !expected || *expected == (found == node.keys.end() ? 0 : found->second.version);
}

} // namespace

caf::result<key_record> get_key(fake_node& node, const get_key_request& x) { return find(node.keys, x.key); }

caf::result<key_record> put_key(fake_node& node, const put_key_request& x) {
  if (!matches(node, x.key, x.expected))
    return make_error(ec::conflict, "the key has another version");
  return node.keys[x.key] = {x.key, x.value, ++node.version, now()};
}

caf::result<key_record> remove_key(fake_node& node, const remove_key_request& x) {
  if (!matches(node, x.key, x.expected))
    return make_error(ec::conflict, "the key has another version");
  return take(node.keys, x.key);
}

caf::result<key_page> list_keys(fake_node& node, const list_keys_request& x) {
  key_page page;
  for (auto i = node.keys.upper_bound(x.after); i != node.keys.end(); ++i) {
    if (i->first.compare(0, x.prefix.size(), x.prefix) != 0)
      continue;
    page.more = page.keys.size() == x.limit;
    if (page.more)
      break;
    page.keys.push_back(i->second);
    if (!x.values)
      page.keys.back().value.clear();
  }
  return page;
}

// -- schedules -----------------------------------------------------------------

caf::result<schedules_reply> schedules(fake_node& node, const schedules_request&) {
  schedules_reply reply;
  for (const auto& [name, schedule] : node.schedules)
    reply.schedules.push_back(schedule);
  return reply;
}

caf::result<schedule_record> get_schedule(fake_node& node, const schedule_request& x) {
  return find(node.schedules, x.name);
}

caf::result<schedule_record> put_schedule(fake_node& node, const put_schedule_request& x) {
  schedule_record record;
  record.name = x.name;
  record.definition = x.definition;
  record.created_at = now();
  return node.schedules[x.name] = record;
}

caf::result<schedule_record> remove_schedule(fake_node& node, const remove_schedule_request& x) {
  return take(node.schedules, x.name);
}

caf::result<schedule_record> control_schedule(fake_node& node, const control_schedule_request& x) {
  auto found = node.schedules.find(x.name);
  if (found == node.schedules.end())
    return make_error(ec::not_found, "no schedule has this name");
  auto& schedule = found->second;
  if (x.action == schedule_action::run_now) {
    auto task = node.ids.next(now(), 0);
    schedule.history.insert(schedule.history.begin(), {now(), slot_outcome::submitted, true, task, 1, {}});
  } else {
    schedule.definition.paused = x.action == schedule_action::pause;
  }
  return schedule;
}

caf::result<next_slots_reply> next_slots(fake_node& node, const next_slots_request& x) {
  if (node.schedules.count(x.name) == 0)
    return make_error(ec::not_found, "no schedule has this name");
  return next_slots_reply{std::vector<timestamp>(x.count, now())};
}

// -- rules ---------------------------------------------------------------------

caf::result<rules_reply> rules(fake_node& node, const rules_request&) {
  rules_reply reply;
  for (const auto& [name, rule] : node.rules)
    reply.rules.push_back(rule);
  return reply;
}

caf::result<rule_record> get_rule(fake_node& node, const rule_request& x) { return find(node.rules, x.name); }

caf::result<rule_record> put_rule(fake_node& node, const put_rule_request& x) {
  auto& rule = node.rules[x.name];
  rule.name = x.name;
  rule.definition = x.definition;
  return rule;
}

caf::result<rule_record> remove_rule(fake_node& node, const remove_rule_request& x) {
  if (auto found = node.rules.find(x.name); found != node.rules.end() && found->second.built_in)
    return make_error(ec::conflict, "a built-in rule can be switched off, not removed");
  return take(node.rules, x.name);
}

caf::result<test_rule_reply> test_rule(fake_node& node, const test_rule_request& x) {
  if (!x.definition && node.rules.count(x.name) == 0)
    return make_error(ec::not_found, "no rule has this name");
  node.tested_rules.push_back(x);
  return test_rule_reply{true, false, "it is switched off", {R"({"name":"made"})", "no JSON"}, {}, {"a line"}};
}

// -- resources -----------------------------------------------------------------

caf::result<resources_reply> resources(fake_node& node, const resources_request&) {
  resources_reply reply;
  reply.nodes.push_back({"test", 1.5, 2048, 0.25, 512, 0, node.ids.next(now(), 0)});
  return reply;
}

// -- nodes ---------------------------------------------------------------------

namespace {

cluster_status two_nodes() {
  cluster_status x;
  x.node = "a";
  x.cluster = 17;
  node_summary a;
  a.node = "a";
  a.address = "127.0.0.1:7701";
  a.id = 1;
  a.version = "1.0";
  a.up = true;
  node_summary b;
  b.node = "b";
  b.address = "127.0.0.1:7702";
  b.problem = "no connection";
  x.nodes = {a, b};
  group_status group;
  group.leader = "a";
  group.leads = true;
  group.members.push_back({"a", 1, true, 9, {}});
  group.members.push_back({"b", 2, false, 3, milliseconds{1500}});
  group.leaderless_since = now();
  group.receiving = 512;
  x.partitions.push_back(group);
  x.removed = {"c"};
  return x;
}

} // namespace

caf::result<cluster_status> cluster(fake_node&, const cluster_request&) { return two_nodes(); }

caf::result<cluster_status> add_node(fake_node&, const add_node_request& x) {
  auto result = two_nodes();
  result.nodes.push_back(result.nodes.front());
  result.nodes.back().node = x.node;
  result.nodes.back().address = x.address;
  return result;
}

caf::result<cluster_status> remove_node(fake_node&, const remove_node_request& x) {
  auto result = two_nodes();
  result.removed.push_back(x.node);
  return result;
}

caf::result<cluster_status> drain_node(fake_node&, const drain_node_request& x) {
  auto result = two_nodes();
  for (auto& node : result.nodes)
    node.draining = node.node == x.node && x.drain;
  return result;
}

caf::result<group_status> transfer(fake_node&, const transfer_request& x) {
  auto result = two_nodes().partitions.front();
  result.partition = x.partition;
  return result;
}

} // namespace overwatch::fake
