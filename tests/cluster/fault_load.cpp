#include "tests/cluster/fault_load.hpp"

namespace overwatch {

namespace json = boost::json;
using support::text_at;

namespace {

/// Between two requests of a client: the nodes and the test share two cores.
constexpr std::chrono::milliseconds pace{15};

/// Tasks for later that a client keeps to cancel them.
constexpr size_t max_kept = 20;

constexpr const char* far_future = "2099-01-01T00:00:00Z";

/// A node that refuses says so with one of these, unless it says that it does not know. Every other answer but success
/// leaves it open what happened.
bool refuses(const support::http_answer& x) {
  return (x.status == 503 || x.status == 507 || x.status == 429) && x.body.find("is unknown") == std::string::npos;
}

std::string any_of(const std::vector<std::string>& all, std::mt19937& random) {
  return all.empty() ? std::string{} : all[random() % all.size()];
}

std::string field(std::string_view name, std::string_view value) {
  return '"' + std::string{name} + "\":\"" + std::string{value} + '"';
}

} // namespace

task_sight sight_of(const json::object& task) {
  task_sight result;
  result.id = text_at(task, "id");
  result.name = text_at(task, "name");
  result.attempt = task.at("attempt").to_number<uint64_t>();
  result.records = text_at(task, "task_type") == "user_task";
  if (auto status = text_at(task, "status"); status == "completed" || status == "failed" || status == "cancelled")
    result.outcome = status + " by attempt " + std::to_string(result.attempt) + " at " + text_at(task, "finished_at") +
                     " " + text_at(task, "error", "kind");
  return result;
}

class fault_load::client {
public:
  client(fault_load& owner, unsigned number, unsigned seed)
    : owner_{owner}, name_{"client-" + std::to_string(number)}, random_{seed + number} {}

  void run() {
    while (!stops())
      act(any(100));
  }

private:
  /// A share of a hundred for each thing that a client does.
  void act(unsigned choice) {
    if (choice < 30)
      submit(field("task_type", "noop"));
    else if (choice < 38)
      submit(field("task_type", "user_task") + R"(,"payload":{"command":"record"})");
    else if (choice < 40)
      submit(field("task_type", "user_task") + R"(,"payload":{"command":"hold"})");
    else if (choice < 47)
      submit(field("task_type", "noop") + "," + field("scheduled_at", far_future), true);
    else if (choice < 54)
      cancel();
    else if (choice < 80)
      read_task();
    else if (choice < 90)
      write_register();
    else
      read_register();
  }

  unsigned any(size_t below) { return static_cast<unsigned>(random_() % below); }

  bool stops() {
    std::unique_lock lock{owner_.mutex_};
    return owner_.changed_.wait_for(lock, pace, [&] { return owner_.stopping_; });
  }

  /// Those that wait at a node when it freezes are enough: else all would soon wait there.
  const std::string& any_node() {
    const auto& all = owner_.nodes_.names();
    const auto* result = &all[any(all.size())];
    for (size_t i = 0; i < all.size() && owner_.nodes_.process(*result).frozen(); ++i)
      result = &all[any(all.size())];
    return *result;
  }

  /// Sends it to any node; `when` gets the time it took.
  std::optional<support::http_answer> ask(request_time& when, const std::string& path, std::string_view body = {},
                                          std::string_view method = "GET") {
    auto node = any_node();
    when.begin = clock::now();
    auto answer = owner_.nodes_.ask(node, path, body, method, answer_limit);
    when.end = clock::now();
    return answer;
  }

  static change_answer judge(const std::optional<support::http_answer>& answer) {
    if (!answer)
      return change_answer::unknown;
    return answer->status == 200 ? change_answer::acknowledged
                                 : (refuses(*answer) ? change_answer::refused : change_answer::unknown);
  }

  void submit(const std::string& fields, bool for_later = false) {
    auto name = name_ + "-" + std::to_string(++submits_);
    request_time when;
    auto answer = ask(when, "/tasks", '{' + field("name", name) + ',' + fields + '}', "POST");
    auto judged = judge(answer);
    auto id = judged == change_answer::acknowledged ? text_at(json::parse(answer->body).as_object(), "id") : "";
    owner_.history_.submitted(when, name, judged, id);
    if (judged != change_answer::acknowledged)
      return;
    owner_.acknowledge(when.begin, id);
    if (for_later && kept_.size() < max_kept)
      kept_.push_back(id);
  }

  void cancel() {
    if (kept_.empty())
      return;
    auto id = kept_.back();
    kept_.pop_back();
    request_time when;
    see(when, ask(when, "/tasks/" + id + "/cancel", {}, "POST"), id, read_level::current);
  }

  void read_task() {
    auto id = owner_.any_acknowledged(random_);
    if (id.empty())
      return;
    auto level = any_level();
    request_time when;
    see(when, ask(when, "/tasks/" + id + parameter(level)), id, level);
  }

  void see(const request_time& when, const std::optional<support::http_answer>& answer, const std::string& id,
           read_level level) {
    if (answer && answer->status == 200)
      owner_.history_.saw(when, sight_of(json::parse(answer->body).as_object()), level);
    else if (answer && answer->status == 404)
      owner_.history_.saw_none(when, id, level);
  }

  void write_register() {
    if (key_.empty()) {
      key_ = name_ + "-" + std::to_string(++registers_);
      owner_.add_key(key_);
    }
    auto number = written_ + 1;
    request_time when;
    auto answer = judge(ask(when, "/keys/" + key_, R"({"value":")" + std::to_string(number) + "\"}", "PUT"));
    owner_.history_.wrote(when, key_, number, answer);
    if (answer == change_answer::acknowledged) {
      written_ = number;
    } else if (answer == change_answer::unknown) {
      key_.clear(); // that one may happen at any time from now on: another register from here
      written_ = 0;
    }
  }

  void read_register() {
    auto key = owner_.any_key(random_);
    if (key.empty())
      return;
    auto level = any_level();
    request_time when;
    auto answer = ask(when, "/keys/" + key + parameter(level));
    if (answer && answer->status == 200)
      owner_.history_.read(when, key, std::stoull(text_at(json::parse(answer->body).as_object(), "value")), level);
    else if (answer && answer->status == 404)
      owner_.history_.read(when, key, 0, level);
  }

  read_level any_level() { return any(4) == 0 ? read_level::local : read_level::current; }
  static std::string parameter(read_level x) { return x == read_level::local ? "?consistency=local" : ""; }

  fault_load& owner_;
  std::string name_; // the beginning of the names of its tasks and registers
  std::mt19937 random_;
  uint64_t submits_ = 0;
  std::string key_; // of its register; empty: it makes one
  uint64_t registers_ = 0;
  uint64_t written_ = 0; // into that register
  std::vector<std::string> kept_;
};

fault_load::fault_load(const support::node_group& nodes, history& all, unsigned seed) : nodes_{nodes}, history_{all} {
  for (unsigned i = 0; i < clients; ++i)
    threads_.emplace_back([this, i, seed] {
      try {
        client{*this, i, seed}.run();
      } catch (const std::exception& error) {
        std::lock_guard lock{mutex_};
        problem_ = error.what();
      }
    });
}

fault_load::~fault_load() { stop(); }

void fault_load::stop() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
    changed_.notify_all();
  }
  for (auto& x : threads_)
    x.join();
  threads_.clear();
}

void fault_load::acknowledge(clock::time_point begin, const std::string& id) {
  std::lock_guard lock{mutex_};
  acknowledged_ids_.push_back(id);
  newest_begin_ = std::max(newest_begin_, begin);
  changed_.notify_all();
}

std::string fault_load::any_acknowledged(std::mt19937& random) const {
  std::lock_guard lock{mutex_};
  return any_of(acknowledged_ids_, random);
}

void fault_load::add_key(const std::string& key) {
  std::lock_guard lock{mutex_};
  keys_.push_back(key);
}

std::string fault_load::any_key(std::mt19937& random) const {
  std::lock_guard lock{mutex_};
  return any_of(keys_, random);
}

uint64_t fault_load::acknowledged() const {
  std::lock_guard lock{mutex_};
  return acknowledged_ids_.size();
}

std::optional<std::chrono::milliseconds> fault_load::time_to_acknowledge(std::chrono::seconds limit) {
  auto from = clock::now();
  std::unique_lock lock{mutex_};
  if (!changed_.wait_for(lock, limit, [&] { return newest_begin_ >= from || !problem_.empty(); }) || !problem_.empty())
    return std::nullopt;
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - from);
}

void fault_load::go_on(std::chrono::milliseconds duration) {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, duration, [&] { return !problem_.empty(); });
}

std::string fault_load::problem() const {
  std::lock_guard lock{mutex_};
  return problem_;
}

} // namespace overwatch
