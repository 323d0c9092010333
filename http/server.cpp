#include "http/server.hpp"

#include "http/connection.hpp"
#include "http/listen_check.hpp"
#include "http/service.hpp"

#include <civetweb.h>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace overwatch {

namespace {

using clock = std::chrono::steady_clock;
using http::connection;
using http::response;
using http::route;
using http::router;

constexpr size_t usual_body_bytes = 8u * 1024 * 1024; // a payload of 1 MiB, however it is escaped, and the rest
constexpr size_t bodies_in_memory = 4;                // times `max_body_bytes`: all bodies together
constexpr milliseconds max_idle{5'000};               // of a client in the middle of a request or an answer
constexpr milliseconds max_farewell{500};             // for the last answers when the server stops

std::vector<std::string> patterns_of(const std::vector<route>& routes) {
  std::vector<std::string> out;
  for (const auto& x : routes)
    out.push_back(std::string{x.method} + ' ' + std::string{x.pattern});
  return out;
}

std::string host_of(const std::string& address) {
  return address.find(':') == std::string::npos ? address : '[' + address + ']';
}

// CivetWeb takes its options as pairs of texts; these must live as long as it reads them.
class civetweb_options {
public:
  explicit civetweb_options(const http_options& x) {
    auto idle = std::min(max_idle, milliseconds{x.request_timeout}).count();
    add("listening_ports", host_of(x.address) + ':' + std::to_string(x.port));
    add("num_threads", std::to_string(x.threads));
    add("enable_keep_alive", "yes");
    add("keep_alive_timeout_ms", "500");
    add("request_timeout_ms", std::to_string(idle));
    add("connection_queue", "1024");
    add("listen_backlog", "1024");
    add("tcp_nodelay", "1");
    add("max_request_size", "16384"); // the head only
    add("websocket_timeout_ms", "1000");
    add("enable_websocket_ping_pong", "yes");
    add("enable_directory_listing", "no");
    add("access_control_allow_origin", ""); // else everyone's preflight is answered
    add("decode_url", "no");                // the router decodes segments, so that %2F and %00 cannot surprise
    for (const auto& text : texts_)
      pointers_.push_back(text.c_str());
    pointers_.push_back(nullptr);
  }

  const char** get() { return pointers_.data(); }

private:
  void add(std::string name, std::string value) {
    texts_.push_back(std::move(name));
    texts_.push_back(std::move(value));
  }

  std::vector<std::string> texts_;
  std::vector<const char*> pointers_;
};

} // namespace

class http_server::state {
public:
  state(caf::actor_system& system, gateway_actor gateway, http_options options)
    : options_{std::move(options)},
      bridge_{system, std::move(gateway)},
      metrics_{patterns_of(http::all_routes())},
      long_ones_{options_.max_long_requests},
      budget_{bodies_in_memory * options_.max_body_bytes},
      router_{http::all_routes()},
      service_{bridge_, options_, metrics_, long_ones_} {}

  caf::error listen() {
    static const auto initialized = mg_init_library(0);
    static_cast<void>(initialized);
    mg_callbacks callbacks{};
    callbacks.begin_request = [](mg_connection* raw) { return of(raw).serve(raw); };
    callbacks.http_error = [](mg_connection* raw, int status, const char* text) {
      of(raw).refuse(raw, status, text);
      return 0;
    };
    callbacks.log_message = [](const mg_connection* raw, const char* text) {
      of(raw).log(log_level::debug, std::string{"civetweb: "} + text);
      return 1;
    };
    callbacks.init_connection = [](const mg_connection* raw, void**) {
      of(raw).metrics_.connection_opened();
      return 0;
    };
    callbacks.connection_close = [](const mg_connection* raw) { of(raw).metrics_.connection_closed(); };
    civetweb_options options{options_};
    char text[256] = "";
    unsigned code = 0;
    mg_init_data init{&callbacks, this, options.get()};
    mg_error_data error{&code, text, sizeof(text)};
    context_ = mg_start2(&init, &error);
    if (context_ == nullptr)
      return http::why_not_listening(options_.address, options_.port, text);
    mg_server_port ports[1]{};
    if (mg_get_server_ports(context_, 1, ports) == 1)
      port_ = static_cast<uint16_t>(ports[0].port);
    return {};
  }

  void stop() {
    if (context_ == nullptr)
      return;
    stopping_ = true;
    bridge_.stop();
    // Once CivetWeb stops it sends nothing more: let those that were just answered say so.
    std::mutex mutex;
    std::condition_variable stopped;
    std::unique_lock lock{mutex};
    for (auto until = clock::now() + max_farewell; in_flight_ > 0 && clock::now() < until;)
      stopped.wait_for(lock, milliseconds{1});
    // It looks at its stop flag every 2 s, or when somebody connects.
    bool done = false;
    std::thread poker{[&] {
      std::unique_lock own_lock{mutex};
      while (!stopped.wait_for(own_lock, milliseconds{5}, [&] { return done; }))
        http::connect_once(options_.address, port_);
    }};
    lock.unlock();
    mg_stop(context_);
    lock.lock();
    done = true;
    lock.unlock();
    stopped.notify_all();
    poker.join();
    context_ = nullptr;
  }

  uint16_t port() const { return port_; }

private:
  static state& of(const mg_connection* raw) { return *static_cast<state*>(mg_get_user_data(mg_get_context(raw))); }

  void log(log_level level, std::string text) const {
    if (options_.log)
      options_.log(level, std::move(text));
  }

  // One request, from its head to the end of its answer. No exception may leave it. The result is for
  // CivetWeb's access log.
  int serve(mg_connection* raw) noexcept {
    auto started = clock::now();
    ++in_flight_;
    connection client{raw};
    size_t position = router::none;
    response answer;
    try {
      answer = respond(client, position);
      count(position, answer, started);
      send(client, answer);
    } catch (const std::exception& e) {
      answer = fail(client, e.what());
      count(position, answer, started);
    } catch (...) {
      answer = fail(client, "unknown exception");
      count(position, answer, started);
    }
    --in_flight_;
    return answer.status;
  }

  // Before the answer is sent: who has it finds it counted.
  void count(size_t position, const response& answer, clock::time_point started) {
    metrics_.finished(position, answer.status, clock::now() - started, !answer.stream && !answer.waited);
  }

  void send(connection& client, const response& answer) {
    if (answer.stream) {
      client.send_stream(answer, stopping_);
      return;
    }
    client.send(answer);
    if (answer.status == 413)
      client.drain();
  }

  response fail(connection& client, const char* what) noexcept {
    response answer;
    answer.status = 500;
    try {
      auto id = std::to_string(failures_.fetch_add(1) + 1);
      log(log_level::error, "http: internal error " + id + " in " + std::string{client.method()} + ' ' +
                              std::string{client.path()} + ": " + what);
      answer = http::error_response(500, "internal", "internal error " + id + "; the node's log says more");
      answer.close = true;
      client.send(answer);
    } catch (...) { // out of memory: the client sees the connection end
      answer.close = true;
    }
    return answer;
  }

  response respond(connection& client, size_t& position) {
    if (auto refused = client.check())
      return std::move(*refused);
    auto found = router_.find(client.method(), client.path());
    if (found.damaged)
      return closed(http::error_response(400, "malformed", "the path is not percent-encoded UTF-8"));
    if (client.method() == "OPTIONS" && (!found.allow.empty() || client.path() == "*"))
      return allowed_methods(found.allow);
    if (found.allow.empty())
      return closed(http::error_response(404, "not_found", "nothing is at " + shown(client.path())));
    if (found.position == router::none) {
      auto text = std::string{client.method()} + " is not allowed here; allowed: " + found.allow + ", OPTIONS";
      return closed(http::error_response(405, "method_not_allowed", text).header("Allow", found.allow + ", OPTIONS"));
    }
    position = found.position;
    return handle(client, http::all_routes()[position], std::move(found.values));
  }

  response handle(connection& client, const route& route, std::vector<std::string> values) {
    http::received_body body{budget_};
    auto limit = route.body == http::body_size::batch ? options_.max_body_bytes
                                                      : std::min(options_.max_body_bytes, usual_body_bytes);
    if (auto refused = client.read_body(limit, options_.request_timeout, deadlines_, body))
      return std::move(*refused);
    http::error_list errors;
    http::request request;
    if (auto text = client.query_text(); !text.empty()) {
      request.parameters = http::query{text, errors};
      request.parameters.check(route.query, errors);
      if (!errors.empty())
        return http::error_response(errors);
    }
    request.path = client.path();
    request.values = std::move(values);
    request.body = std::move(body.text);
    request.content_type = client.header("Content-Type");
    request.last_event_id = client.header("Last-Event-ID");
    request.if_match = client.header("If-Match");
    request.accept = client.header("Accept");
    request.client = client.remote_address();
    return route.handle(service_, request);
  }

  // A body that nobody reads would be taken for the next request.
  static response closed(response x) {
    x.close = true;
    return x;
  }

  static response allowed_methods(const std::string& allow) {
    response out;
    out.status = 204;
    out.header("Allow", allow.empty() ? "GET, HEAD, POST, PUT, DELETE, OPTIONS" : allow + ", OPTIONS");
    return closed(std::move(out));
  }

  static std::string shown(std::string_view path) {
    constexpr size_t max_bytes = 200;
    std::string out;
    for (char c : path.substr(0, max_bytes)) // what is not ASCII may not be UTF-8
      out += c > ' ' && c < 0x7F ? c : '?';
    return out;
  }

  // What CivetWeb refuses by itself: damaged heads, unknown methods, a head that comes too slowly.
  void refuse(mg_connection* raw, int status, const char* text) noexcept {
    try {
      auto answer = closed(http::error_response(status, status == 408 ? "timed_out" : "malformed",
                                                text == nullptr || *text == '\0' ? "the request is damaged" : text));
      connection{raw}.send(answer);
      metrics_.finished(router::none, status, {}, false);
    } catch (...) { // out of memory: the client sees the connection end
      mg_disable_keep_alive(raw);
    }
  }

  http_options options_;
  http::bridge bridge_;
  http::http_metrics metrics_;
  http::long_requests long_ones_;
  http::body_budget budget_;
  http::body_deadlines deadlines_;
  http::router router_;
  http::service service_;
  std::atomic<bool> stopping_{false};
  std::atomic<size_t> in_flight_{0}; // requests that are being served
  std::atomic<uint64_t> failures_{0};
  mg_context* context_ = nullptr;
  uint16_t port_ = 0;
};

http_server::http_server(std::unique_ptr<state> x) : state_{std::move(x)} {}

http_server::~http_server() { stop(); }

caf::expected<std::unique_ptr<http_server>> http_server::start(caf::actor_system& system, gateway_actor gateway,
                                                               http_options options) {
  auto x = std::make_unique<state>(system, std::move(gateway), std::move(options));
  if (auto error = x->listen())
    return error;
  return std::unique_ptr<http_server>{new http_server{std::move(x)}};
}

uint16_t http_server::port() const { return state_->port(); }

void http_server::stop() { state_->stop(); }

} // namespace overwatch
