#include "tests/actors/random_commands.hpp"

#include "tests/actors/played_partition.hpp"

namespace overwatch::test {

using namespace std::chrono_literals;

std::string random_commands::any(std::initializer_list<const char*> names) {
  return *(names.begin() + below(static_cast<uint32_t>(names.size())));
}

uint64_t random_commands::any_task() { return once_in(4) ? members_at + below(3 * workflows) : 1 + below(tasks); }

submission random_commands::any_submission(uint64_t n, timestamp time) {
  return task(n, [&](task_spec& x) {
    x.task_type = any({"noop", "other"});
    x.importance = static_cast<priority>(below(3));
    x.fairness_key = any({"", "ann", "bob"});
    x.created_at = time;
    if (once_in(6))
      x.scheduled_at = time + std::chrono::seconds{below(5)};
    if (once_in(6))
      x.deadline = time + 30s;
    if (once_in(3)) {
      x.required_gates = {any({"g1", "g2"}), any({"g2", "g3"})};
      x.on_closed_gate = once_in(3) ? gate_policy::fail : gate_policy::wait;
    }
    for (auto parents = once_in(3) ? 1 + below(3) : 0; parents > 0; --parents)
      x.depends_on.push_back(id_of(any_task()));
    x.on_dependency_failure = static_cast<dependency_policy>(below(3));
    if (once_in(4))
      x.resources.exclusive = {any({"can0", "can1"}), any({"can1", "can2"})};
    if (once_in(6))
      x.resources.cpu = 0.5;
    if (once_in(3))
      x.concurrency = once_in(2) ? concurrency_limit{"one", 1} : concurrency_limit{"two", 2};
    if (once_in(4))
      x.rate = once_in(2) ? rate_limit{"slow", 1, 3s} : rate_limit{"fast", 3, 3s};
    if (once_in(5)) {
      x.unique_key = any({"u1", "u2"});
      if (once_in(2))
        x.unique_for = 5s;
    }
    if (once_in(5))
      x.cache = {any({"c1", "c2"}), once_in(2) ? 2s : 6s};
    if (once_in(3)) {
      for (auto prefixes = below(3); prefixes > 0; --prefixes)
        x.snapshot.keys.push_back(any({"a", "ab", "b", "c"}));
      for (auto paths = below(2); paths > 0; --paths)
        x.snapshot.files.push_back(any({"/x", "/x/y", "/z"}));
      if (once_in(2))
        x.keep_snapshot = 8s;
    }
  });
}

command random_commands::any_finish(const reference_model& model, timestamp time) {
  finish_command x;
  auto n = any_task();
  for (int i = 0; i < 4; ++i) // rather one that runs
    if (auto found = model.tasks.find(id_of(n));
        found == model.tasks.end() || found->second.status != task_status::running)
      n = any_task();
  x.id = id_of(n);
  auto found = model.tasks.find(x.id);
  x.fence = found == model.tasks.end() || once_in(8) ? fencing_token{below(3), below(3)} : found->second.fence;
  if (once_in(2))
    x.result = std::make_shared<const std::string>("\"" + std::to_string(below(100)) + "\"");
  if (once_in(2))
    return x;
  x.kind = once_in(3) ? violation::lost : violation::exception;
  x.requeue = once_in(5);
  if (once_in(2))
    x.retry_at = time + std::chrono::seconds{below(4)};
  x.rollback = static_cast<rollback_status>(once_in(2) ? 0 : 2 + below(2));
  return x;
}

command random_commands::any_put() {
  std::optional<uint64_t> expected;
  if (once_in(4))
    expected = below(40);
  if (once_in(3)) {
    auto name = any({"g1", "g2", "g3"});
    if (once_in(6))
      return put_command{document_kind::gate, name, {}, expected};
    auto x = once_in(3) ? gate(name, false, gate_kind::approval) : gate(name, !once_in(3));
    x.expected = expected;
    return x;
  }
  return key(any({"a", "ab", "abc", "b", "c1", "c2", "d"}),
             once_in(4) ? std::nullopt : std::optional{std::to_string(below(1000))}, expected);
}

command random_commands::any_workflow(timestamp time) {
  auto number = below(workflows);
  workflow_command x;
  x.record.id = id_of(workflows_at + number);
  x.record.name = "w";
  x.record.compensation = once_in(2) ? compensation_status::ready : compensation_status::off;
  for (uint64_t i = 0; i < 3; ++i) {
    auto n = members_at + 3 * number + i;
    auto member = any_submission(n, time);
    auto spec = std::make_shared<task_spec>(*member.spec);
    spec->workflow = x.record.id;
    spec->depends_on.clear();
    for (uint64_t parent = 0; parent < i; ++parent)
      if (once_in(2))
        spec->depends_on.push_back(id_of(n - 1 - parent));
    if (once_in(10))
      spec->depends_on.push_back(id_of(any_task()));
    x.record.tasks.push_back({"m" + std::to_string(i), spec->id, task_status::pending, rollback_status::none, {}});
    x.tasks.push_back({std::move(spec), member.payload});
  }
  return x;
}

command random_commands::any_patch(timestamp time) {
  patch_command x;
  x.id = id_of(any_task());
  if (once_in(2))
    x.importance = static_cast<priority>(below(3));
  if (once_in(2))
    x.scheduled_at = once_in(3) ? std::optional<timestamp>{} : time + std::chrono::seconds{below(5)};
  if (once_in(3))
    x.deadline = once_in(2) ? std::optional<timestamp>{} : time + 40s;
  if (once_in(3))
    x.tags = std::vector<std::string>{"t" + std::to_string(below(3))};
  return x;
}

command random_commands::next(const reference_model& model, timestamp time) {
  auto id = id_of(any_task());
  switch (below(24)) {
  case 0:
  case 1:
  case 2:
  case 3:
    return submit_command{any_submission(1 + below(tasks), time), true};
  case 4:
    return any_workflow(time);
  case 5:
  case 6:
  case 7:
  case 8:
  case 9:
    return start_command{id, "here", "noop"};
  case 10:
  case 11:
  case 12:
  case 13:
    return any_finish(model, time);
  case 14:
    return once_in(2) ? command{violate_command{id, violation::timeout, "late"}} : command{cancel_command{id, "no"}};
  case 15:
    return promote_command{id};
  case 16:
  case 17:
    return remove_command{id};
  case 18:
  case 19:
    return any_put();
  case 20:
    return any_patch(time);
  case 21:
    return approve_command{id, {any({"g1", "g2", "g3"}), "ann", "ok", {}}};
  case 22:
    return rollback_command{id, static_cast<rollback_status>(1 + below(3)), "asked for"};
  default:
    break;
  }
  auto workflow = id_of(workflows_at + below(workflows));
  switch (below(6)) {
  case 5:
    if (once_in(2))
      return mirror_command{{below(5), below(100)}, {}, {{mirrored_kind::setting, "s1", "other"}}};
    return parents_ended_command{{{"p", id, task_status::completed, nullptr}}, {id_of(any_task())}};
  case 4:
    return once_in(3)   ? forget_command{keys::expiring_kind::unique_key, any({"u1", "u2"})}
           : once_in(2) ? forget_command{keys::expiring_kind::cached_result, any({"c1", "c2"})}
                        : forget_command{keys::expiring_kind::rate, any({"slow", "fast"})};
  case 0:
    return cancel_workflow_command{workflow, "no"};
  case 1:
    return compensated_command{workflow, once_in(2)};
  case 2:
    return setting_command{any({"s1", "s2"}), any({"", "on"})};
  default:
    return lead_command{below(5), "here"};
  }
}

} // namespace overwatch::test
