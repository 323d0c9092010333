#include "actors/submission_rules.hpp"

#include <algorithm>
#include <string_view>

namespace overwatch {

namespace {

namespace limits = task_limits;

failure too_long(std::string field, size_t size, size_t limit) {
  return {ec::invalid, std::move(field),
          "has " + std::to_string(size) + " bytes; at most " + std::to_string(limit) + " are allowed"};
}

failure check_text(std::string field, std::string_view text, size_t limit) {
  return text.size() > limit ? too_long(std::move(field), text.size(), limit) : failure{};
}

failure check_list(const std::string& field, const std::vector<std::string>& list) {
  if (list.size() > limits::list_entries)
    return {ec::invalid, field, "has " + std::to_string(list.size()) + " entries; at most "
                                  + std::to_string(limits::list_entries) + " are allowed"};
  for (size_t i = 0; i < list.size(); ++i)
    if (auto fault = check_text(field + '/' + std::to_string(i), list[i], limits::label_bytes))
      return fault;
  return {};
}

failure check_context(const task_spec& spec) {
  if (spec.context.size() > limits::list_entries)
    return {ec::invalid, "/context", "has " + std::to_string(spec.context.size()) + " entries; at most "
                                       + std::to_string(limits::list_entries) + " are allowed"};
  for (const auto& [key, value] : spec.context)
    if (key.size() > limits::label_bytes || value.size() > limits::label_bytes)
      return too_long("/context/" + key.substr(0, 64), std::max(key.size(), value.size()), limits::label_bytes);
  return {};
}

failure check_number(std::string field, double value, double low, double high) {
  if (value >= low && value <= high) // false for NaN too
    return {};
  return {ec::invalid, std::move(field), std::to_string(value) + " is not between " + std::to_string(low) + " and "
                                           + std::to_string(high)};
}

failure check_retry(const retry_policy& retry) {
  if (retry.max_attempts < 1 || retry.max_attempts > limits::max_attempts)
    return {ec::invalid, "/retry/max_attempts", std::to_string(retry.max_attempts) + " is not between 1 and "
                                                  + std::to_string(limits::max_attempts)};
  if (retry.base.count() < 0 || retry.base > limits::max_timeout)
    return {ec::invalid, "/retry/base", "must be between 0 and 30 days"};
  if (retry.max.count() < 0 || retry.max > limits::max_timeout)
    return {ec::invalid, "/retry/max", "must be between 0 and 30 days"};
  return check_number("/retry/jitter", retry.jitter, 0, 1);
}

failure check_resources(const resource_request& resources) {
  if (auto fault = check_number("/resources/cpu", resources.cpu, 0, 1))
    return fault;
  if (auto fault = check_number("/resources/io", resources.io, 0, 1))
    return fault;
  return check_list("/resources/exclusive", resources.exclusive);
}

// What is part of a key in the store ends at a byte 0.
failure check_key(std::string field, const std::string& text) {
  if (text.find('\0') != std::string::npos)
    return {ec::invalid, std::move(field), "has a byte 0 in it: use text"};
  return check_text(std::move(field), text, limits::label_bytes);
}

failure check_duration(std::string field, milliseconds value) {
  if (value.count() >= 0 && value <= limits::max_timeout)
    return {};
  return {ec::invalid, std::move(field), "must be between 0 and 30 days"};
}

failure check_placement(const task_placement& placement) {
  if (placement.labels.size() > limits::list_entries)
    return {ec::invalid, "/placement/labels", "at most " + std::to_string(limits::list_entries) + " are allowed"};
  for (const auto& [name, value] : placement.labels)
    if (name.empty() || name.size() > limits::label_bytes || value.size() > limits::label_bytes)
      return {ec::invalid, "/placement/labels/" + name.substr(0, 64),
              "a label has a name of 1 to 256 bytes and a value of at most 256"};
  return check_text("/placement/node", placement.node, limits::label_bytes);
}

// A program that was built against another version may send what has no name here.
template <class Enum, size_t N>
failure check_named(const std::string& field, Enum x, const std::array<std::string_view, N>& names) {
  if (static_cast<size_t>(x) < N)
    return {};
  std::string known;
  for (const auto& name : names)
    known += (known.empty() ? "" : ", ") + std::string{name};
  return {ec::invalid, field, "number " + std::to_string(static_cast<size_t>(x)) + " is none of: " + known};
}

failure check_control(const task_spec& spec) {
  if (spec.snapshot.files.size() > limits::list_entries)
    return {ec::invalid, "/snapshot/files", "at most " + std::to_string(limits::list_entries) + " are allowed"};
  if (!spec.concurrency.key.empty() && spec.concurrency.limit < 1)
    return {ec::invalid, "/concurrency/limit", "must be at least 1"};
  if (!spec.rate.key.empty()) {
    if (spec.rate.limit < 1 || spec.rate.limit > limits::max_rate)
      return {ec::invalid, "/rate/limit", std::to_string(spec.rate.limit) + " is not between 1 and "
                                            + std::to_string(limits::max_rate)};
    if (spec.rate.per.count() < 1 || spec.rate.per > limits::max_timeout)
      return {ec::invalid, "/rate/per", "must be between 1 ms and 30 days"};
  }
  if (!spec.cache.key.empty() && (spec.cache.ttl.count() < 1 || spec.cache.ttl > limits::max_timeout))
    return {ec::invalid, "/cache/ttl", "must be between 1 ms and 30 days"};
  for (size_t i = 0; i < spec.resources.exclusive.size(); ++i)
    if (auto fault = check_key("/resources/exclusive/" + std::to_string(i), spec.resources.exclusive[i]))
      return fault;
  for (size_t i = 0; i < spec.required_gates.size(); ++i)
    if (auto fault = check_key("/required_gates/" + std::to_string(i), spec.required_gates[i]))
      return fault;
  for (size_t i = 0; i < spec.snapshot.keys.size(); ++i)
    if (auto fault = check_key("/snapshot/keys/" + std::to_string(i), spec.snapshot.keys[i]))
      return fault;
  for (const auto& fault :
       {check_key("/fairness_key", spec.fairness_key), check_key("/concurrency/key", spec.concurrency.key),
        check_key("/rate/key", spec.rate.key), check_key("/cache/key", spec.cache.key),
        check_key("/unique_key", spec.unique_key), check_duration("/keep_snapshot", spec.keep_snapshot),
        check_placement(spec.placement)})
    if (fault)
      return fault;
  return {};
}

bool has_dots(std::string_view path) {
  for (size_t begin = 0; begin < path.size();) {
    auto end = std::min(path.find('/', begin), path.size());
    auto part = path.substr(begin, end - begin);
    if (part == "." || part == "..")
      return true;
    begin = end + 1;
  }
  return false;
}

bool lies_under(const std::string& path, const std::string& root) {
  auto whole = !root.empty() && root.back() == '/' ? root : root + '/';
  return path == root || path.compare(0, whole.size(), whole) == 0;
}

failure unknown_type(const std::string& task_type, const std::set<std::string>& types) {
  std::string known;
  for (const auto& x : types)
    known += (known.empty() ? "" : ", ") + x;
  return {ec::unknown_type, "/task_type",
          "\"" + task_type.substr(0, limits::type_bytes) + "\" is not a known task type; known are: " + known
            + ". Declare others with tasks.task-types in the config"};
}

} // namespace

failure check_submission(const submission& x, const std::set<std::string>& types) {
  if (!x.spec || !x.payload)
    return {ec::invalid, {}, "a task needs a spec and a payload (`{}` when there is none)"};
  const auto& spec = *x.spec;
  if (spec.name.empty())
    return {ec::invalid, "/name", "is missing: give the task a name of 1 to 256 bytes"};
  if (types.count(spec.task_type) == 0)
    return unknown_type(spec.task_type, types);
  if (x.payload->size() > limits::payload_bytes)
    return too_long("/payload", x.payload->size(), limits::payload_bytes);
  if (spec.timeout.count() <= 0 || spec.timeout > limits::max_timeout)
    return {ec::invalid, "/timeout", "must be more than 0 and at most 30 days"};
  if (spec.depends_on.size() > limits::list_entries)
    return {ec::invalid, "/depends_on", "at most " + std::to_string(limits::list_entries) + " are allowed"};
  for (const auto& fault :
       {check_named("/priority", spec.importance, priority_names),
        check_named("/on_closed_gate", spec.on_closed_gate, gate_policy_names),
        check_named("/on_dependency_failure", spec.on_dependency_failure, dependency_policy_names),
        check_named("/retry/backoff", spec.retry.backoff, backoff_kind_names),
        check_named("/origin/kind", spec.origin.kind, origin_kind_names),
        check_text("/name", spec.name, limits::name_bytes),
        check_text("/description", spec.description, limits::description_bytes),
        check_text("/subsystem", spec.subsystem, limits::label_bytes),
        check_text("/assigned_to", spec.assigned_to, limits::label_bytes),
        check_list("/tags", spec.tags),
        check_context(spec), check_list("/required_gates", spec.required_gates), check_retry(spec.retry),
        check_resources(spec.resources), check_list("/snapshot/keys", spec.snapshot.keys)})
    if (fault)
      return fault;
  return check_control(spec);
}

failure check_scope(const snapshot_scope& x, const std::vector<std::string>& roots) {
  std::string allowed;
  for (const auto& root : roots)
    allowed += (allowed.empty() ? "" : ", ") + root;
  for (size_t i = 0; i < x.files.size(); ++i) {
    const auto& path = x.files[i];
    auto field = "/snapshot/files/" + std::to_string(i);
    if (path.size() > limits::path_bytes || path.find('\0') != std::string::npos)
      return {ec::invalid, field, "is no path of at most " + std::to_string(limits::path_bytes) + " bytes"};
    if (path.empty() || path.front() != '/' || has_dots(path))
      return {ec::invalid, field, "\"" + path + "\" is not absolute, or has `.` or `..` in it: write the whole path"};
    if (std::none_of(roots.begin(), roots.end(), [&](const auto& root) { return lies_under(path, root); }))
      return {ec::invalid, field, "\"" + path + "\" does not lie under a root that this node allows (snapshots.roots: "
                                    + (allowed.empty() ? "none" : allowed) + "); add one in the node's configuration"};
  }
  return {};
}

} // namespace overwatch
