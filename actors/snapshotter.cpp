#include "actors/snapshotter.hpp"

#include "messages/codec.hpp"

#include <caf/event_based_actor.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <set>

namespace overwatch {

namespace {

/// After its time limit an operation ends before it touches the next entry; it has this long to say so.
constexpr std::chrono::seconds end_grace{30};

/// What a hook has returned, with what its counterpart will need.
struct hook_record {
  task_spec spec;
  std::string payload;
  std::string state;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, hook_record& x) {
  return f(x.spec, x.payload, x.state);
}

/// Runs one operation on a thread of its own, because it blocks.
caf::behavior copying(caf::event_based_actor* self) {
  return {[self](const std::shared_ptr<snapshot_operation>& x) {
    x->run();
    self->quit(); // a detached actor that nobody knows any more would keep its thread
    return caf::ok_atom::value;
  }};
}

// -- names of captures -----------------------------------------------------------

std::string name_of(const task_id& id, uint32_t attempt) { return to_string(id) + "-" + std::to_string(attempt); }

struct named_capture {
  std::string name;
  task_id id;
  uint32_t attempt = 0;
  std::optional<timestamp> keep_until;
};

std::optional<named_capture> parse_name(const stored_snapshot& x) {
  auto dash = x.name.rfind('-');
  auto digits = dash == std::string::npos ? "" : x.name.substr(dash + 1);
  auto id = parse_task_id(x.name.substr(0, dash == std::string::npos ? 0 : dash));
  if (!id || digits.empty() || digits.size() > 9 || digits.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  return named_capture{x.name, *id, static_cast<uint32_t>(std::stoul(digits)), x.keep_until};
}

/// Of all tasks, or of those whose ids begin with `prefix`: by task, the newest attempt last. What has another name is
/// not ours.
std::vector<named_capture> captures(file_snapshots& files, const std::string& prefix = {}) {
  std::vector<named_capture> result;
  for (const auto& x : files.list(prefix))
    if (auto capture = parse_name(x))
      result.push_back(std::move(*capture));
  std::sort(result.begin(), result.end(),
            [](const auto& x, const auto& y) { return x.id != y.id ? x.id < y.id : x.attempt < y.attempt; });
  return result;
}

std::vector<named_capture> captures_of(file_snapshots& files, const task_id& id) {
  return captures(files, to_string(id) + "-");
}

// -- operations: on threads of their own ----------------------------------------

failure hook_failed(const std::string& which, const std::string& task_type, const std::string& why) {
  return {ec::unavailable, "", "the " + which + " hook of task type '" + task_type + "' failed: " + why};
}

/// Calls a hook; what it throws becomes a failure.
template <class Call>
failure call_hook(const std::string& which, const std::string& task_type, Call call) {
  try {
    call();
  } catch (const std::exception& error) {
    return hook_failed(which, task_type, error.what());
  } catch (...) {
    return hook_failed(which, task_type, "it threw something that is no std::exception");
  }
  return {};
}

failure take_hook_state(const capture_request& x, const snapshotter_options& options, capture_scope& scope) {
  auto hooks = x.task.spec ? options.hooks.find(x.task.spec->task_type) : options.hooks.end();
  if (hooks == options.hooks.end())
    return {};
  hook_record record{*x.task.spec, x.task.payload ? *x.task.payload : std::string{}, {}};
  auto error = call_hook("snapshot", record.spec.task_type, [&] {
    if (hooks->second.snapshot)
      record.state = hooks->second.snapshot(record.spec, record.payload);
  });
  scope.hook_state = encode(record);
  return error;
}

failure restore_hook_state(const std::string& bytes, const snapshotter_options& options) {
  hook_record record;
  if (!decode(bytes, record))
    return {ec::internal, "", "what the snapshot hook returned is damaged"};
  auto hooks = options.hooks.find(record.spec.task_type);
  if (hooks == options.hooks.end())
    return hook_failed("restore", record.spec.task_type, "this program has none; it had one when the task began");
  return call_hook("restore", record.spec.task_type, [&] {
    if (hooks->second.restore)
      hooks->second.restore(record.spec, record.payload, record.state);
  });
}

capture_reply run_capture(file_snapshots& files, const capture_request& x, const snapshotter_options& options,
                          const stop_check& stop) {
  capture_reply reply;
  capture_scope scope;
  scope.paths = x.files;
  auto name = name_of(x.id, x.attempt);
  auto older = captures_of(files, x.id);
  auto is_there = std::any_of(older.begin(), older.end(), [&](const auto& y) { return y.name == name; });
  if (!is_there) // else the request came again: what is captured counts
    reply.error = take_hook_state(x, options, scope);
  reply.retryable = static_cast<bool>(reply.error);
  if (reply.error)
    return reply;
  auto captured = files.capture(name, scope, stop);
  reply = {captured.error, captured.retryable, captured.entries, captured.bytes};
  for (const auto& y : older)
    if (!reply.error && y.attempt < x.attempt)
      files.drop(y.name); // one that stays is dropped with the task's last
  return reply;
}

restore_reply run_restore(file_snapshots& files, const restore_request& x, const snapshotter_options& options,
                          const stop_check& stop) {
  restore_reply reply;
  auto all = captures_of(files, x.id);
  if (all.empty())
    return reply;
  auto restored = files.restore(all.back().name, stop);
  reply = {restored.error, restored.found, restored.counts};
  if (!reply.error && restored.hook_state)
    reply.error = restore_hook_state(*restored.hook_state, options);
  return reply;
}

void run_release(file_snapshots& files, const release_snapshot& x, timestamp time) {
  for (const auto& y : captures_of(files, x.id)) {
    auto kept = x.keep_until && *x.keep_until > time;
    if (!kept || files.keep(y.name, *x.keep_until))
      files.drop(y.name);
  }
}

snapshot_files run_describe(file_snapshots& files, const describe_snapshot& x, size_t max_shown, failure& error) {
  snapshot_files result;
  auto all = captures_of(files, x.id);
  if (all.empty()) {
    error = {ec::not_found, "", "nothing is captured for task '" + to_string(x.id) + "' on this node"};
    return result;
  }
  auto found = files.describe(all.back().name, max_shown);
  error = found.error;
  result.attempt = all.back().attempt;
  result.captured_at = found.captured_at;
  result.keep_until = all.back().keep_until;
  result.entries = std::move(found.entries);
  result.truncated = found.truncated;
  result.total_entries = found.total_entries;
  result.total_bytes = found.total_bytes;
  result.notes = std::move(found.notes);
  result.hook_state = found.hook_state;
  return result;
}

stored_snapshots run_list(file_snapshots& files) {
  stored_snapshots result;
  for (const auto& x : captures(files)) { // the newest attempt of a task comes last
    if (result.tasks.empty() || result.tasks.back().id != x.id)
      result.tasks.push_back({x.id, {}});
    result.tasks.back().keep_until = x.keep_until;
  }
  return result;
}

void drop_expired(file_snapshots& files, timestamp time) {
  for (const auto& x : captures(files))
    if (x.keep_until && *x.keep_until <= time)
      files.drop(x.name);
}

// -- how a reply says that something went wrong -----------------------------------

void refuse(caf::typed_response_promise<capture_reply>& promise, const failure& why) {
  promise.deliver(capture_reply{why, true, 0, 0});
}
void refuse(caf::typed_response_promise<restore_reply>& promise, const failure& why) {
  promise.deliver(restore_reply{why, true, {}});
}
template <class Reply>
void refuse(caf::typed_response_promise<Reply>& promise, const failure& why) {
  promise.deliver(make_error(why));
}

} // namespace

// -- the coordinator -----------------------------------------------------------

snapshotter_state::~snapshotter_state() {
  for (auto& [number, x] : running_)
    *x.stop = true;
}

void snapshotter_state::set_up(pointer self, std::shared_ptr<file_snapshots> files, snapshotter_options options) {
  self_ = self;
  files_ = std::move(files);
  options_ = std::make_shared<const snapshotter_options>(std::move(options));
  auto operation = std::make_shared<snapshot_operation>();
  operation->run = [files = files_] { files->remove_leftovers(); };
  add({lane::brief, false, {}, std::make_shared<std::atomic<bool>>(false), std::move(operation)});
  tick();
}

/// Puts `run` into the queue; its reply is the answer to the request that is handled now.
template <class Reply, class Run>
caf::result<Reply> snapshotter_state::ask(lane where, bool is_capture, const task_id& id, Run run) {
  auto promise = self_->make_response_promise<Reply>();
  auto reply = std::make_shared<Reply>();
  auto error = std::make_shared<failure>();
  auto stop = std::make_shared<std::atomic<bool>>(false);
  auto operation = std::make_shared<snapshot_operation>();
  operation->run = [run, reply, error, stop, limit = options_->time_limit] {
    auto until = std::chrono::steady_clock::now() + limit;
    *reply = run([stop, until] { return *stop || std::chrono::steady_clock::now() > until; }, *error);
  };
  operation->reply = [promise, reply, error]() mutable {
    if (*error)
      overwatch::refuse(promise, *error);
    else
      promise.deliver(std::move(*reply));
  };
  operation->refuse = [promise](const failure& why) mutable { overwatch::refuse(promise, why); };
  add({where, is_capture, id, std::move(stop), std::move(operation)});
  return promise;
}

void snapshotter_state::add(entry&& x) {
  if (waiting_.size() >= options_->max_waiting) {
    if (x.what->refuse)
      x.what->refuse({ec::overloaded, "", "too many snapshot operations wait on this node; try again in a second"});
    return;
  }
  waiting_.push_back(std::move(x));
  start_waiting();
}

/// Starts what may run: in order, but an operation whose task or lane is busy lets others pass.
void snapshotter_state::start_waiting() {
  std::set<task_id> busy;
  std::map<lane, size_t> left{{lane::copying, options_->max_copying}, {lane::brief, 1}};
  for (const auto& [number, x] : running_) {
    busy.insert(x.id);
    --left[x.where];
  }
  busy.erase(task_id{}); // of no task
  for (size_t i = 0; i < waiting_.size() && left[lane::copying] + left[lane::brief] > 0;) {
    auto& next = waiting_[i];
    auto is_free = busy.count(next.id) == 0 && left[next.where] > 0;
    if (!next.id.is_nil())
      busy.insert(next.id); // what comes later for this task waits in any case
    if (!is_free) {
      ++i;
      continue;
    }
    --left[next.where];
    auto x = std::move(next);
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
    start(std::move(x));
  }
}

void snapshotter_state::start(entry&& x) {
  auto number = next_number_++;
  auto operation = x.what;
  running_.emplace(number, std::move(x));
  auto thread = options_->detached ? self_->spawn<caf::detached>(copying) : self_->spawn(copying);
  self_->request(thread, options_->time_limit + end_grace, operation)
    .then([=](caf::ok_atom) { finish(number, {}); }, [=](caf::error& error) { finish(number, describe(error)); });
}

void snapshotter_state::finish(uint64_t number, const failure& late) {
  auto found = running_.find(number);
  auto x = std::move(found->second);
  running_.erase(found);
  *x.stop = true; // one that did not come back ends before it touches anything more
  if (late && x.what->refuse)
    x.what->refuse({late.code, "", "the snapshot operation did not come back: " + late.message});
  else if (!late && x.what->reply)
    x.what->reply();
  start_waiting();
}

// -- messages ------------------------------------------------------------------

caf::result<capture_reply> snapshotter_state::capture(const capture_request& x) {
  return ask<capture_reply>(lane::copying, true, x.id,
                            [x, files = files_, options = options_](const stop_check& stop, failure&) {
                              return run_capture(*files, x, *options, stop);
                            });
}

void snapshotter_state::stop(const stop_capture& x) {
  for (auto& [number, y] : running_)
    if (y.is_capture && y.id == x.id)
      *y.stop = true;
  auto is_meant = [&](const entry& y) { return y.is_capture && y.id == x.id; };
  for (auto& y : waiting_)
    if (is_meant(y))
      y.what->refuse({ec::unavailable, "", "the capture was told to stop before it began"});
  waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(), is_meant), waiting_.end());
}

caf::result<restore_reply> snapshotter_state::restore(const restore_request& x) {
  return ask<restore_reply>(lane::copying, false, x.id,
                            [x, files = files_, options = options_](const stop_check& stop, failure&) {
                              return run_restore(*files, x, *options, stop);
                            });
}

void snapshotter_state::release(const release_snapshot& x) {
  auto operation = std::make_shared<snapshot_operation>();
  operation->run = [x, files = files_, options = options_] { run_release(*files, x, options->clock()); };
  add({lane::brief, false, x.id, std::make_shared<std::atomic<bool>>(false), std::move(operation)});
}

caf::result<snapshot_files> snapshotter_state::describe_files(const describe_snapshot& x) {
  return ask<snapshot_files>(lane::brief, false, x.id,
                             [x, files = files_, options = options_](const stop_check&, failure& error) {
                               return run_describe(*files, x, options->max_shown, error);
                             });
}

caf::result<stored_snapshots> snapshotter_state::list() {
  return ask<stored_snapshots>(lane::brief, false, {},
                               [files = files_](const stop_check&, failure&) { return run_list(*files); });
}

void snapshotter_state::tick() {
  auto operation = std::make_shared<snapshot_operation>();
  operation->run = [files = files_, options = options_] { drop_expired(*files, options->clock()); };
  add({lane::brief, false, {}, std::make_shared<std::atomic<bool>>(false), std::move(operation)});
  self_->delayed_send(self_, options_->expiry_interval, caf::tick_atom::value);
}

snapshotter_actor::behavior_type snapshotter(snapshotter_state::pointer self, std::shared_ptr<file_snapshots> files,
                                             snapshotter_options options) {
  self->state.set_up(self, std::move(files), std::move(options));
  return {
    [=](const capture_request& x) { return self->state.capture(x); },
    [=](const stop_capture& x) { self->state.stop(x); },
    [=](const restore_request& x) { return self->state.restore(x); },
    [=](const release_snapshot& x) { self->state.release(x); },
    [=](const describe_snapshot& x) { return self->state.describe_files(x); },
    [=](const stored_snapshots_request&) { return self->state.list(); },
    [=](caf::tick_atom) { self->state.tick(); },
  };
}

} // namespace overwatch
