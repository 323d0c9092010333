#include "tests/cluster/history.hpp"

#include <algorithm>
#include <set>

namespace overwatch {

namespace {

using moment = std::chrono::steady_clock::time_point;

/// Answers for a moment: the largest value of all that was known before it.
template <class Value>
class known_before {
public:
  void add(moment at, Value value) { all_.emplace_back(at, value); }

  void sort() {
    std::sort(all_.begin(), all_.end());
    for (size_t i = 1; i < all_.size(); ++i)
      all_[i].second = std::max(all_[i].second, all_[i - 1].second);
  }

  std::optional<Value> at(moment when) const {
    auto end = std::lower_bound(all_.begin(), all_.end(), when, [](const auto& x, moment y) { return x.first < y; });
    return end == all_.begin() ? std::nullopt : std::optional<Value>{std::prev(end)->second};
  }

private:
  std::vector<std::pair<moment, Value>> all_;
};

} // namespace

history::progress history::progress_of(const task_sight& x) {
  return {x.outcome.empty() ? 1 : 2, x.attempt};
}

void history::submitted(const request_time& when, const std::string& name, change_answer answer,
                        const std::string& id) {
  std::lock_guard lock{mutex_};
  submits_[name] = {answer, id};
  counts_.acknowledged += answer == change_answer::acknowledged ? 1 : 0;
  counts_.refused += answer == change_answer::refused ? 1 : 0;
  counts_.unknown += answer == change_answer::unknown ? 1 : 0;
  if (answer != change_answer::acknowledged)
    return;
  note(when, {id, name, 0, {}, false}, read_level::local); // a fact for later reads, itself no read
  tasks_[id].acknowledged = true;
}

void history::saw(const request_time& when, const task_sight& x, read_level level) {
  std::lock_guard lock{mutex_};
  ++counts_.sights;
  note(when, x, level);
}

void history::note(const request_time& when, const task_sight& x, read_level level) {
  auto& task = tasks_[x.id];
  task.name = x.name;
  task.sights.push_back({when, level, progress_of(x)});
  if (!x.outcome.empty())
    ++task.outcomes[x.outcome];
}

void history::saw_none(const request_time& when, const std::string& id, read_level level) {
  std::lock_guard lock{mutex_};
  ++counts_.sights;
  tasks_[id].sights.push_back({when, level, {0, 0}});
}

void history::wrote(const request_time& when, const std::string& key, uint64_t number, change_answer answer) {
  if (answer == change_answer::refused)
    return; // it stands for nothing: the writer uses the number again
  std::lock_guard lock{mutex_};
  registers_[key].push_back({when, number, true, answer == change_answer::acknowledged});
  counts_.registers_written += answer == change_answer::acknowledged ? 1 : 0;
}

void history::read(const request_time& when, const std::string& key, uint64_t number, read_level level) {
  std::lock_guard lock{mutex_};
  registers_[key].push_back({when, number, false, level == read_level::current});
  ++counts_.registers_read;
}

void history::started(const std::string& id, uint64_t attempt) {
  std::lock_guard lock{mutex_};
  ++counts_.starts;
  ++tasks_[id].starts[attempt];
}

void history::listed(const std::string& node, std::vector<task_sight> tasks) {
  std::lock_guard lock{mutex_};
  lists_.emplace_back(node, std::move(tasks));
}

history::totals history::counts() const {
  std::lock_guard lock{mutex_};
  return counts_;
}

std::vector<std::string> history::violations() const {
  std::lock_guard lock{mutex_};
  findings out;
  check_names(out);
  check_outcomes(out);
  check_order(out);
  check_starts(out);
  for (const auto& [node, tasks] : lists_)
    check_list(node, tasks, out);
  for (const auto& [key, all] : registers_)
    check_register(key, all, out);
  if (out.size() > max_violations)
    out.resize(max_violations);
  return out;
}

void history::check_names(findings& out) const {
  std::map<std::string, std::set<std::string>> ids;
  for (const auto& [id, task] : tasks_)
    if (!task.name.empty())
      ids[task.name].insert(id);
  for (const auto& [node, tasks] : lists_)
    for (const auto& x : tasks)
      ids[x.name].insert(x.id);
  for (const auto& [name, all] : ids) {
    if (all.size() > 1)
      out.push_back("submit " + name + " made two tasks: " + *all.begin() + " and " + *all.rbegin());
    auto submit = submits_.find(name);
    if (submit != submits_.end() && submit->second.answer == change_answer::refused)
      out.push_back("submit " + name + " was refused, but made task " + *all.begin());
  }
}

void history::check_outcomes(findings& out) const {
  auto outcomes = std::map<std::string, std::set<std::string>>{};
  for (const auto& [id, task] : tasks_)
    for (const auto& [outcome, times] : task.outcomes)
      outcomes[id].insert(outcome);
  for (const auto& [node, tasks] : lists_)
    for (const auto& x : tasks)
      if (!x.outcome.empty())
        outcomes[x.id].insert(x.outcome);
  for (const auto& [id, all] : outcomes)
    if (all.size() > 1)
      out.push_back("task " + id + " has two outcomes: " + *all.begin() + "; " + *all.rbegin());
}

void history::check_order(findings& out) const {
  for (const auto& [id, task] : tasks_) {
    known_before<progress> known;
    for (const auto& x : task.sights)
      known.add(x.when.end, x.seen);
    known.sort();
    for (const auto& x : task.sights) {
      auto before = known.at(x.when.begin);
      if (x.level != read_level::current || !before || *before <= x.seen)
        continue;
      auto text = [](const progress& y) {
        return y.first == 0 ? std::string{"missing"}
                            : (y.first == 1 ? "unfinished" : "ended") + (", attempt " + std::to_string(y.second));
      };
      out.push_back("task " + id + " was read as " + text(x.seen) + " after it was known as " + text(*before));
      break;
    }
  }
}

void history::check_starts(findings& out) const {
  for (const auto& [id, task] : tasks_)
    for (const auto& [attempt, times] : task.starts)
      if (times > 1)
        out.push_back("attempt " + std::to_string(attempt) + " of task " + id + " began " + std::to_string(times) +
                      " times");
}

void history::check_list(const std::string& node, const std::vector<task_sight>& tasks, findings& out) const {
  std::set<std::string> there;
  for (const auto& x : tasks) {
    auto task = "node " + node + ": task " + x.id;
    if (!there.insert(x.id).second)
      out.push_back(task + " is listed twice");
    if (x.outcome.empty())
      out.push_back(task + " has not ended");
    auto known = tasks_.find(x.id);
    bool began = known != tasks_.end() && known->second.starts.count(x.attempt) > 0;
    if (x.records && x.outcome.rfind("completed", 0) == 0 && !began)
      out.push_back(task + " is completed, but its attempt " + std::to_string(x.attempt) + " never began");
  }
  for (const auto& [id, task] : tasks_)
    if (task.acknowledged && there.count(id) == 0)
      out.push_back("node " + node + ": task " + id + " was acknowledged and is lost");
}

void history::check_register(const std::string& key, const std::vector<register_record>& all, findings& out) {
  known_before<uint64_t> known;   // what a read that begins now must show at least
  known_before<uint64_t> written; // and at most
  for (const auto& x : all) {
    if (x.is_write)
      written.add(x.when.begin, x.number);
    if (!x.is_write || x.certain)
      known.add(x.when.end, x.number);
  }
  known.sort();
  written.sort();
  for (const auto& x : all) {
    if (x.is_write)
      continue;
    auto least = known.at(x.when.begin).value_or(0);
    auto most = written.at(x.when.end).value_or(0);
    if (x.number > most)
      out.push_back("key " + key + " was read as " + std::to_string(x.number) + " before anybody wrote that");
    else if (x.certain && x.number < least)
      out.push_back("key " + key + " was read as " + std::to_string(x.number) + " after it was known as " +
                    std::to_string(least));
  }
}

} // namespace overwatch
