#include "actors/gateway_requests.hpp"
#include "actors/submission_rules.hpp"
#include "actors/workflow_order.hpp"

#include <algorithm>

/// The part of the gateway that deals with execution control: approvals, snapshots, workflows, keys.
namespace overwatch {

namespace {

constexpr size_t person_bytes = 256;
constexpr size_t reason_bytes = 4096;
constexpr uint32_t max_listed_keys = 1'000;
constexpr uint32_t max_listed_workflows = 1'000;

failure check_words(const std::string& by, const std::string& reason) {
  if (by.empty() || by.size() > person_bytes)
    return {ec::invalid, "/by", "say who you are, in 1 to 256 bytes"};
  if (reason.empty() || reason.size() > reason_bytes)
    return {ec::invalid, "/reason", "say why, in 1 to 4096 bytes"};
  return {};
}

failure check_key_name(const std::string& key) {
  if (key.empty() || key.size() > key_limits::key_bytes)
    return {ec::invalid, "/key", "a key has 1 to " + std::to_string(key_limits::key_bytes) + " bytes, not "
                                   + std::to_string(key.size())};
  return {};
}

snapshot_entry_kind kind_of(captured_kind x) {
  switch (x) {
    case captured_kind::absent:
      return snapshot_entry_kind::absent;
    case captured_kind::file:
      return snapshot_entry_kind::file;
    case captured_kind::directory:
      return snapshot_entry_kind::directory;
    case captured_kind::symlink:
      return snapshot_entry_kind::link;
    default:
      return snapshot_entry_kind::special;
  }
}

key_record record_of(const document& x) {
  return {x.name, x.value ? *x.value : std::string{}, x.version, x.changed_at};
}

} // namespace

// -- one task ------------------------------------------------------------------

caf::result<task_record> gateway_state::approve(const approve_request& x) {
  if (auto fault = check_words(x.by, x.reason))
    return make_error(fault);
  if (!x.gate.empty())
    return change(approve_command{x.id, {x.gate, x.by, x.reason, {}}}, x.id);
  auto promise = self_->make_response_promise<task_record>();
  auto with_gates = [this, promise, x](const task_record& task, const gates_reply& all) mutable {
    std::vector<std::string> wanted;
    for (const auto& gate : all.gates) {
      const auto& required = task.spec.required_gates;
      if (gate.definition.kind == gate_kind::approval
          && std::find(required.begin(), required.end(), gate.name) != required.end())
        wanted.push_back(gate.name);
    }
    if (wanted.size() != 1) {
      promise.deliver(make_error(ec::invalid, "the task requires " + std::to_string(wanted.size())
                                                + " gates that people approve: name the one that you mean", "/gate"));
      return;
    }
    propose(
      {approve_command{x.id, {wanted.front(), x.by, x.reason, {}}}},
      [this, promise, id = x.id](const propose_reply& done) mutable {
        if (const auto& fault = done.results.front().error)
          promise.deliver(make_error(fault));
        else
          ask(links_.replica, get_request{id},
              [promise](task_record& record) mutable { promise.deliver(std::move(record)); }, promise);
      },
      promise);
  };
  ask(
    links_.replica, get_request{x.id},
    [this, promise, with_gates](const task_record& task) mutable {
      auto judge = [task, with_gates](const gates_reply& all) mutable { with_gates(task, all); };
      if (links_.front)
        ask(links_.front, gates_request{}, judge, promise);
      else
        ask(links_.gates, gates_request{}, judge, promise);
    },
    promise);
  return promise;
}

caf::result<task_record> gateway_state::roll_back(const rollback_request& x) {
  auto named = x;
  if (named.by.empty())
    named.by = "api";
  if (named.reason.empty())
    named.reason = "no reason given";
  if (auto fault = check_words(named.by, named.reason))
    return make_error(fault);
  return forward<task_record>(links_.scheduler, named);
}

caf::result<snapshot_record> gateway_state::snapshot(const get_snapshot_request& x) {
  auto promise = self_->make_response_promise<snapshot_record>();
  auto with_files = [this, promise, x](snapshot_record& keys) mutable {
    self_->request(links_.snapshotter, options_.request_timeout, describe_snapshot{x.id})
      .then(
        [promise, keys](const snapshot_files& files) mutable {
          auto& result = keys;
          result.stored = true;
          result.attempt = files.attempt;
          result.kept_until = files.keep_until;
          result.entries = files.total_entries;
          result.bytes = files.total_bytes;
          result.truncated = files.truncated;
          result.handler_state = files.hook_state;
          for (const auto& entry : files.entries)
            result.files.push_back({entry.path, kind_of(entry.kind), entry.size, entry.mode});
          promise.deliver(std::move(result));
        },
        [promise, keys](caf::error& error) mutable {
          if (describe(error).code == ec::not_found) // keys only, or nothing
            promise.deliver(std::move(keys));
          else
            promise.deliver(std::move(error));
        });
  };
  ask(links_.replica, x, with_files, promise);
  return promise;
}

// -- workflows -----------------------------------------------------------------

failure gateway_state::check_workflow(const submit_workflow_request& x) const {
  if (x.name.empty() || x.name.size() > task_limits::name_bytes)
    return {ec::invalid, "/name", "give the workflow a name of 1 to 256 bytes"};
  if (x.tasks.empty() || x.tasks.size() > task_limits::workflow_tasks)
    return {ec::invalid, "/tasks", std::to_string(x.tasks.size()) + " tasks; a workflow has 1 to "
                                     + std::to_string(task_limits::workflow_tasks)};
  size_t bytes = 0;
  for (size_t i = 0; i < x.tasks.size(); ++i) {
    const auto& task = x.tasks[i].task;
    auto fault = check_submission(task, types_);
    if (!fault)
      fault = check_scope(task.spec->snapshot, options_.snapshot_roots);
    if (fault) {
      fault.field = "/tasks/" + std::to_string(i) + fault.field;
      return fault;
    }
    bytes += task.payload->size() + 512;
  }
  return cannot_submit(x.tasks.size(), bytes);
}

caf::result<workflow_record> gateway_state::submit_workflow(submit_workflow_request& x) {
  auto promise = self_->make_response_promise<workflow_record>();
  auto known = [this](const workflow_task& x) { return !x.task.spec || types_.count(x.task.spec->task_type) > 0; };
  if (std::all_of(x.tasks.begin(), x.tasks.end(), known)) {
    store_workflow(x, promise);
    return promise;
  }
  auto held = std::make_shared<submit_workflow_request>(std::move(x));
  with_declared_types([this, held, promise] { store_workflow(*held, promise); }, promise);
  return promise;
}

void gateway_state::store_workflow(submit_workflow_request& x, caf::typed_response_promise<workflow_record> promise) {
  if (auto fault = check_workflow(x)) {
    promise.deliver(make_error(fault));
    return;
  }
  auto order = order_of_tasks(x.tasks);
  if (!order) {
    promise.deliver(std::move(order.error()));
    return;
  }
  auto time = options_.clock();
  workflow_command command;
  auto& record = command.record;
  record.id = x.id.is_nil() ? ids_.next(time, options_.partition) : x.id;
  record.name = x.name;
  record.compensation = x.compensate ? compensation_status::ready : compensation_status::off;
  std::map<std::string, task_id> ids;
  for (auto i : *order) {
    auto& member = x.tasks[i];
    auto spec = std::make_shared<task_spec>(*member.task.spec);
    spec->id = ids_.next(time, options_.partition);
    spec->created_at = time;
    spec->workflow = record.id;
    for (const auto& parent : member.depends_on)
      spec->depends_on.push_back(ids.at(parent));
    auto has_scope = !spec->snapshot.files.empty() || !spec->snapshot.keys.empty();
    if (x.compensate && has_scope && spec->keep_snapshot.count() == 0)
      spec->keep_snapshot = options_.keep_for_compensation;
    ids[member.name] = spec->id;
    record.tasks.push_back({member.name, spec->id, task_status::pending, rollback_status::none, member.depends_on});
    command.tasks.push_back({std::move(spec), member.task.payload});
  }
  auto id = record.id;
  propose(
    {std::move(command)},
    [this, promise, id](const propose_reply& done) mutable {
      if (const auto& fault = done.results.front().error)
        promise.deliver(make_error(fault));
      else
        ask(links_.replica, get_workflow_request{id},
            [promise](workflow_record& record) mutable { promise.deliver(std::move(record)); }, promise);
    },
    promise);
}

caf::result<workflow_record> gateway_state::cancel_workflow(const cancel_workflow_request& x) {
  auto promise = self_->make_response_promise<workflow_record>();
  propose(
    {cancel_workflow_command{x.id, x.reason}},
    [this, promise, id = x.id](const propose_reply& done) mutable {
      if (const auto& fault = done.results.front().error)
        promise.deliver(make_error(fault));
      else
        ask(links_.replica, get_workflow_request{id},
            [promise](workflow_record& record) mutable { promise.deliver(std::move(record)); }, promise);
    },
    promise);
  return promise;
}

caf::result<workflow_page> gateway_state::list_workflows(const list_workflows_request& x) {
  if (x.limit < 1 || x.limit > max_listed_workflows)
    return make_error(ec::invalid, std::to_string(x.limit) + " is not between 1 and 1000", "/limit");
  return read<workflow_page>(links_.replica, x, x.level);
}

// -- keys ----------------------------------------------------------------------

caf::result<key_record> gateway_state::get_key(const get_key_request& x) {
  auto promise = self_->make_response_promise<key_record>();
  auto find = [this, promise, key = x.key]() mutable {
    ask(links_.replica, document_request{document_kind::key, key},
        [promise](const document& found) mutable { promise.deliver(record_of(found)); }, promise);
  };
  when_current(x.level, find, promise);
  return promise;
}

caf::result<key_record> gateway_state::put_key(put_key_request& x) {
  if (auto fault = check_key_name(x.key))
    return make_error(fault);
  if (x.value.size() > key_limits::value_bytes)
    return make_error(ec::too_large, "a value has at most " + std::to_string(key_limits::value_bytes) + " bytes, not "
                                       + std::to_string(x.value.size()), "/value");
  if (auto fault = cannot_submit(1, x.value.size()))
    return make_error(fault);
  auto promise = self_->make_response_promise<key_record>();
  key_record result{x.key, x.value, 0, {}};
  propose(
    {put_command{document_kind::key, x.key, std::move(x.value), x.expected}},
    [this, promise, result](const propose_reply& done) mutable {
      const auto& how = done.results.front();
      if (how.error) {
        promise.deliver(make_error(how.error));
        return;
      }
      result.version = how.version;
      result.changed_at = options_.clock();
      promise.deliver(std::move(result));
    },
    promise);
  return promise;
}

caf::result<key_record> gateway_state::remove_key(const remove_key_request& x) {
  auto promise = self_->make_response_promise<key_record>();
  ask(
    links_.replica, document_request{document_kind::key, x.key},
    [this, promise, x](const document& found) mutable {
      propose(
        {put_command{document_kind::key, x.key, {}, x.expected}},
        [promise, result = record_of(found)](const propose_reply& done) mutable {
          if (const auto& fault = done.results.front().error)
            promise.deliver(make_error(fault));
          else
            promise.deliver(std::move(result));
        },
        promise);
    },
    promise);
  return promise;
}

caf::result<key_page> gateway_state::list_keys(const list_keys_request& x) {
  if (x.limit < 1 || x.limit > max_listed_keys)
    return make_error(ec::invalid, std::to_string(x.limit) + " is not between 1 and 1000", "/limit");
  auto promise = self_->make_response_promise<key_page>();
  auto answer = [promise, values = x.values](const document_page& found) mutable {
    key_page page;
    page.more = found.more;
    for (const auto& one : found.documents) {
      page.keys.push_back(record_of(one));
      if (!values)
        page.keys.back().value.clear();
    }
    promise.deliver(std::move(page));
  };
  auto find = [this, promise, x, answer]() mutable {
    ask(links_.replica, documents_request{document_kind::key, x.prefix, x.after, x.limit}, answer, promise);
  };
  when_current(x.level, find, promise);
  return promise;
}

} // namespace overwatch
