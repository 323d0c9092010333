#include "messages/client/client.hpp"

#include "messages/client/remote_service.hpp"
#include "messages/task_spread.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>
#include <caf/openssl/manager.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>
#include <unistd.h>

namespace overwatch {

namespace {

constexpr milliseconds event_wait{30'000};
constexpr milliseconds look_for_end{100}; // of a subscription, while a reader waits
constexpr uint32_t event_page = 1'024;
constexpr milliseconds one_wait{30'000};
constexpr auto last_words = std::chrono::seconds{10}; // for outcomes of handlers that were told to stop

struct client_config : caf::actor_system_config {
  explicit client_config(const client_options& options) {
    add_messages(*this);
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", size_t{1});
    set("middleman.heartbeat-interval", caf::timespan{std::chrono::milliseconds{500}});
    set("middleman.connection-timeout", caf::timespan{std::chrono::seconds{2}});
    load<caf::io::middleman>();
    if (options.certificate.empty())
      return;
    openssl_certificate = options.certificate;
    openssl_key = options.key;
    openssl_cafile = options.ca;
    load<caf::openssl::manager>();
  }
};

std::string host_and_process() {
  char host[256] = {};
  auto known = ::gethostname(host, sizeof(host) - 1) == 0;
  return std::string{known ? host : "localhost"} + " pid " + std::to_string(::getpid());
}

client_options checked(client_options options) {
  auto tls = !options.certificate.empty();
  if (options.addresses.empty())
    throw client_error{{ec::invalid, "/addresses", "give the address of a node: host:port of its CAF port"}};
  for (const auto& address : options.addresses)
    if (address.find(':') == std::string::npos)
      throw client_error{{ec::invalid, "/addresses", "\"" + address + "\" is not host:port"}};
  if (tls != !options.key.empty() || tls != !options.ca.empty())
    throw client_error{
      {ec::invalid, "/certificate", "mutual TLS needs certificate, key and ca: give all three or none"}};
  if (options.name.empty())
    options.name = host_and_process();
  return options;
}

} // namespace

subscription::subscription(subscription&& other) noexcept : end_{std::exchange(other.end_, nullptr)} {}

subscription& subscription::operator=(subscription&& other) noexcept {
  if (this != &other) {
    end();
    end_ = std::exchange(other.end_, nullptr);
  }
  return *this;
}

void subscription::end() {
  if (auto f = std::exchange(end_, nullptr))
    f();
}

/// The actor with what it needs to live, and the services on it.
class client_connection {
public:
  explicit client_connection(const client_options& options)
    : config_{options}, system_{config_}, actor_{system_.spawn(connection, options, partitions_)},
      ids_{std::random_device{}()} {}

  ~client_connection() {
    services_.clear(); // their threads end; the actor still knows them
    caf::anon_send_exit(actor_, caf::exit_reason::user_shutdown);
    actor_ = nullptr;
  }

  void post(connection_call call) { caf::anon_send(actor_, std::move(call)); }

  /// The same for those who may outlive this object.
  remote_service::poster poster() const {
    return [actor = actor_](connection_call call) { caf::anon_send(actor, std::move(call)); };
  }

  /// Gives the tasks that have no id one, in the partitions that they belong to.
  void give_ids(std::vector<submission>& tasks) {
    std::lock_guard lock{mutex_};
    auto count = partitions_->load();
    spread_ = static_cast<partition_id>((spread_ + 1U) % count);
    for (auto& task : tasks) {
      if (!task.spec || !task.spec->id.is_nil())
        continue;
      auto spec = std::make_shared<task_spec>(*task.spec);
      spec->id = ids_.next(now(), choose_partition(*spec, spread_, count));
      task.spec = std::move(spec);
    }
  }

  void add(std::shared_ptr<remote_service> service) {
    std::lock_guard lock{mutex_};
    services_.push_back(std::move(service));
  }

  std::vector<std::shared_ptr<remote_service>> services() {
    std::lock_guard lock{mutex_};
    return services_;
  }

  /// Asks until all services have left and nothing of them runs.
  bool wait_until_done(std::chrono::steady_clock::time_point until) {
    for (;;) {
      std::promise<bool> answer;
      auto done = answer.get_future();
      post([all = services(), &answer](connection_state&) {
        answer.set_value(std::all_of(all.begin(), all.end(), [](const auto& x) { return x->done(); }));
      });
      if (done.get())
        return true;
      if (std::chrono::steady_clock::now() >= until)
        return false;
      std::unique_lock lock{mutex_};
      nobody_.wait_for(lock, std::chrono::milliseconds{20});
    }
  }

private:
  client_config config_;
  caf::actor_system system_;
  std::shared_ptr<std::atomic<uint32_t>> partitions_ = std::make_shared<std::atomic<uint32_t>>(1);
  caf::actor actor_;
  std::mutex mutex_;
  std::condition_variable nobody_;
  task_id_generator ids_;
  partition_id spread_ = 0;
  std::vector<std::shared_ptr<remote_service>> services_;
};

client::client(client_options options)
  : options_{checked(std::move(options))}, connection_{std::make_unique<client_connection>(options_)} {}

client::~client() {
  if (connection_->services().empty())
    return;
  leave(milliseconds{0});
  connection_->wait_until_done(std::chrono::steady_clock::now() + last_words);
}

template <class Reply, class Request>
std::future<Reply> client::ask(Request request, bool repeatable, milliseconds timeout) {
  auto promise = std::make_shared<std::promise<Reply>>();
  auto future = promise->get_future();
  connection_->post([=, request = std::move(request)](connection_state& connection) mutable {
    connection.begin<Reply>(std::move(request), repeatable, timeout, [promise](caf::expected<Reply> reply) {
      if (reply)
        promise->set_value(std::move(*reply));
      else
        promise->set_exception(std::make_exception_ptr(client_error{describe(reply.error())}));
    });
  });
  return future;
}

template <class Reply, class Request>
Reply client::call(Request request, bool repeatable) {
  return ask<Reply>(std::move(request), repeatable, options_.timeout).get();
}

// -- tasks -----------------------------------------------------------------------

submit_receipt client::submit(task_spec spec, std::string payload) {
  auto own_id = spec.id.is_nil();
  submit_request request{{{std::make_shared<const task_spec>(std::move(spec)),
                           std::make_shared<const std::string>(std::move(payload))}}};
  connection_->give_ids(request.tasks);
  auto id = request.tasks.front().spec->id;
  auto reply = call<submit_reply>(std::move(request));
  auto& receipt = reply.receipts.at(0);
  if (receipt.error)
    throw client_error{receipt.error};
  if (own_id && receipt.id == id)
    receipt.existing = false; // it is this one, sent twice
  return receipt;
}

std::future<submit_reply> client::submit_all(std::vector<submission> tasks) {
  connection_->give_ids(tasks);
  return ask<submit_reply>(submit_request{std::move(tasks)}, true, options_.timeout);
}

task_record client::get(const task_id& id) { return call<task_record>(get_request{id}); }

task_record client::wait(const task_id& id, milliseconds limit) {
  auto until = std::chrono::steady_clock::now() + limit;
  for (;;) {
    auto left = std::chrono::duration_cast<milliseconds>(until - std::chrono::steady_clock::now());
    auto part = std::clamp(left, milliseconds{0}, one_wait);
    auto task = ask<task_record>(wait_request{id, part}, true, part + options_.timeout).get();
    if (is_terminal(task.state.status) || left <= part)
      return task;
  }
}

task_record client::cancel(const task_id& id, std::string reason) {
  return call<task_record>(cancel_request{id, std::move(reason)});
}

submit_receipt client::retry(const task_id& id) { return call<submit_receipt>(retry_request{id}, false); }

// -- keys ------------------------------------------------------------------------

key_record client::get_key(const std::string& key) { return call<key_record>(get_key_request{key}); }

key_record client::put_key(const std::string& key, std::string value, std::optional<uint64_t> expected) {
  return call<key_record>(put_key_request{key, std::move(value), expected}, !expected);
}

key_record client::remove_key(const std::string& key, std::optional<uint64_t> expected) {
  return call<key_record>(remove_key_request{key, expected}, !expected);
}

// -- events ----------------------------------------------------------------------

subscription client::watch(event_request filter, std::function<void(const event&)> heard) {
  filter.limit = event_page;
  if (!filter.after) { // what happens after this call is heard, also when the first real question comes late
    filter.wait = milliseconds{0};
    filter.after = call<event_batch>(filter).next;
  }
  filter.wait = event_wait;
  auto ended = std::make_shared<std::atomic<bool>>(false);
  auto reader = std::make_shared<std::thread>([this, ended, filter, heard = std::move(heard)]() mutable {
    while (!*ended) {
      auto batch = ask<event_batch>(filter, true, filter.wait + options_.timeout);
      while (batch.wait_for(look_for_end) != std::future_status::ready)
        if (*ended)
          return;
      try {
        auto page = batch.get();
        for (const auto& x : page.events)
          if (!*ended)
            heard(x);
        filter.after = page.next;
      } catch (const client_error&) {
        // No node answered for long: go on from the same place.
      }
    }
  });
  return subscription{[ended, reader] {
    *ended = true;
    reader->join();
  }};
}

// -- executing -------------------------------------------------------------------

void client::serve(std::string task_type, uint32_t slots, remote_handler handler) {
  if (slots < 1 || slots > worker_limits::slots)
    throw client_error{
      {ec::invalid, "/slots",
       std::to_string(slots) + " slots; 1 to " + std::to_string(worker_limits::slots) + " are allowed"}};
  remote_service_options x{options_.name, host_and_process(), std::move(task_type), slots, std::move(handler)};
  auto service = std::make_shared<remote_service>(std::move(x), connection_->poster());
  auto registered = std::make_shared<std::promise<failure>>();
  auto answer = registered->get_future();
  connection_->post([service, registered](connection_state& connection) {
    service->start(connection, [registered](const failure& fault) { registered->set_value(fault); });
  });
  if (auto fault = answer.get()) {
    connection_->post([service](connection_state&) { service->leave(); });
    throw client_error{fault};
  }
  connection_->add(std::move(service));
}

bool client::leave(milliseconds limit) {
  auto all = connection_->services();
  connection_->post([all](connection_state&) {
    for (const auto& service : all)
      service->leave();
  });
  if (connection_->wait_until_done(std::chrono::steady_clock::now() + limit))
    return true;
  connection_->post([all](connection_state&) {
    for (const auto& service : all)
      service->stop(stop_reason::shutdown);
  });
  return false;
}

} // namespace overwatch
