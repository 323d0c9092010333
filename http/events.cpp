#include "http/json_text.hpp"
#include "http/service.hpp"
#include "http/task_json.hpp"

#include <algorithm>

/// Server-sent events: a loop of long polls at the gateway, so a slow client costs the node nothing.
namespace overwatch::http {

namespace {

using clock = std::chrono::steady_clock;

constexpr milliseconds max_poll{10'000};
constexpr uint32_t events_per_write = 256;

// One event: `id` is where to continue, `event` its kind, `data` JSON in one line.
void append_message(std::string& out, const event& x, const event_position& after) {
  auto cursor = to_string(after);
  out.append("id: ").append(cursor).append("\nevent: ").append(name_of(x.kind)).append("\ndata: ");
  append_event(out, x, cursor);
  out += "\n\n";
}

// Moves the reader's position without an event, so that it can resume where nothing happened.
void append_position(std::string& out, const event_position& next) {
  out.append("id: ").append(to_string(next)).append("\n\n");
}

class event_loop {
public:
  event_loop(service& s, event_request first) : service_{s}, request_{std::move(first)} {}

  void run(body_stream& stream) {
    if (!write(stream, "retry: 1000\n\n"))
      return;
    bool known_position = request_.after.has_value();
    while (!stream.stopping()) {
      // Without a cursor the first poll only finds out where the stream is now.
      request_.wait = known_position ? time_to_heartbeat() : milliseconds{0};
      auto batch = service_.gateway.ask<event_batch>(request_, request_.wait + service_.options.request_timeout);
      if (!batch) {
        write(stream, failure_message(batch.error()));
        return;
      }
      std::string out;
      auto& position = batch->from;
      for (const auto& x : batch->events) {
        position.advance(x.cursor);
        append_message(out, x, position);
      }
      if (!known_position || (out.empty() && clock::now() >= heartbeat_due()))
        append_position(out.append(": heartbeat\n"), batch->next);
      known_position = true;
      request_.after = std::move(batch->next);
      if (!out.empty() && !write(stream, out))
        return;
    }
  }

private:
  clock::time_point heartbeat_due() const { return last_write_ + service_.options.event_heartbeat; }

  milliseconds time_to_heartbeat() const {
    auto left = std::chrono::ceil<milliseconds>(heartbeat_due() - clock::now());
    return std::clamp(left, milliseconds{1}, max_poll);
  }

  bool write(body_stream& stream, const std::string& text) {
    last_write_ = clock::now();
    return stream.write(text);
  }

  // The client reconnects after it by itself.
  static std::string failure_message(const caf::error& error) {
    std::string out = "event: error\ndata: ";
    append_problem(out, to_problem(describe(error)));
    return out + "\n\n";
  }

  service& service_;
  event_request request_;
  clock::time_point last_write_ = clock::now();
};

void read_cursor(const request& x, event_request& out, error_list& errors) {
  const auto* from = x.parameters.find("from");
  auto text = !x.last_event_id.empty() ? x.last_event_id : from == nullptr ? std::string_view{} : *from;
  if (text.empty())
    return;
  out.after = parse_event_position(text);
  if (!out.after) {
    place root{place::document::query};
    errors.add(root.child("from"), "value_error",
               "expected the id of an event (partition.index.number, with '-' between partitions), got \""
                 + std::string{text.substr(0, 80)} + "\"");
  }
}

response events(service& s, const request& x) {
  error_list errors;
  event_request first;
  first.limit = events_per_write;
  read_cursor(x, first, errors);
  x.parameters.read_names("kinds", event_kind_names, first.kinds, errors);
  if (const auto* id = x.parameters.find("task")) {
    first.task = parse_task_id(*id);
    if (!first.task) {
      place root{place::document::query};
      errors.add(root.child("task"), "value_error", "expected the id of a task");
    }
  }
  if (!errors.empty())
    return error_response(errors);
  auto permit = s.long_ones.enter();
  if (!permit)
    return too_many_long_requests();
  response out;
  out.content_type = "text/event-stream";
  out.stream = [&s, first = std::move(first),
                held = std::make_shared<long_requests::permit>(std::move(*permit))](body_stream& stream) {
    event_loop{s, first}.run(stream);
  };
  return out;
}

} // namespace

std::vector<route> event_routes() { return {{"GET", "/api/overwatch/events", "from kinds task", events}}; }

} // namespace overwatch::http
