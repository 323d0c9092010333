#include "http/connection.hpp"

#include <civetweb.h>

#include <algorithm>
#include <chrono>

namespace overwatch::http {

namespace {

using clock = std::chrono::steady_clock;

constexpr size_t piece_bytes = 64 * 1024; // a body grows by this much
constexpr size_t max_length_digits = 15;
constexpr size_t drained_bytes = 4 * 1024 * 1024;
constexpr std::chrono::seconds drain_time{1};

bool equals(const char* x, const char* y) { return mg_strcasecmp(x, y) == 0; }

bool is_length(std::string_view text) {
  return !text.empty() && text.size() <= max_length_digits &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

response refusal(int status, const char* code, std::string message) {
  auto out = error_response(status, code, std::move(message));
  out.close = true;
  return out;
}

class open_stream : public body_stream {
public:
  open_stream(mg_connection* raw, const std::atomic<bool>& stopping) : raw_{raw}, stopping_{stopping} {}

  bool write(std::string_view bytes) override {
    return mg_write(raw_, bytes.data(), bytes.size()) == static_cast<int>(bytes.size());
  }
  bool stopping() const override { return stopping_.load(); }

private:
  mg_connection* raw_;
  const std::atomic<bool>& stopping_;
};

} // namespace

connection::connection(mg_connection* raw) : raw_{raw}, info_{mg_get_request_info(raw)} {}

std::string_view connection::method() const {
  return info_->request_method == nullptr ? std::string_view{} : std::string_view{info_->request_method};
}

std::string_view connection::path() const {
  auto text = info_->local_uri_raw == nullptr ? std::string_view{"*"} : std::string_view{info_->local_uri_raw};
  return text.substr(0, text.find('?'));
}

std::string_view connection::query_text() const {
  return info_->query_string == nullptr ? std::string_view{} : std::string_view{info_->query_string};
}

std::string_view connection::remote_address() const { return info_->remote_addr; }

std::string_view connection::header(const char* name) const {
  const auto* value = mg_get_header(raw_, name);
  return value == nullptr ? std::string_view{} : std::string_view{value};
}

std::optional<response> connection::check() const {
  if (info_->num_headers >= MG_MAX_HEADERS)
    return refusal(431, "invalid", "too many headers: at most " + std::to_string(MG_MAX_HEADERS - 1));
  int lengths = 0;
  int encodings = 0;
  int hosts = 0;
  for (int i = 0; i < info_->num_headers; ++i) {
    const auto& [name, value] = info_->http_headers[i];
    if (equals(name, "Content-Length")) {
      ++lengths;
      if (!is_length(value))
        return refusal(400, "malformed", "Content-Length is not a number of bytes");
    } else if (equals(name, "Transfer-Encoding")) {
      ++encodings;
      if (!equals(value, "chunked"))
        return refusal(400, "malformed", "the only Transfer-Encoding here is chunked");
    } else if (equals(name, "Host")) {
      ++hosts;
    }
  }
  if (lengths + encodings > 1)
    return refusal(400, "malformed", "the length of the body is given twice");
  bool is_1_1 = equals(info_->http_version, "1.1");
  if (hosts > 1 || (is_1_1 && hosts == 0))
    return refusal(400, "malformed", "exactly one Host header is needed");
  if (encodings > 0 && !is_1_1)
    return refusal(400, "malformed", "chunks need HTTP/1.1");
  if (auto expect = header("Expect"); !expect.empty() && !equals(expect.data(), "100-continue"))
    return refusal(417, "invalid", "the only expectation here is 100-continue");
  return std::nullopt;
}

bool connection::has_body() const { return info_->content_length > 0 || !header("Transfer-Encoding").empty(); }

std::optional<response> connection::read_body(size_t limit, milliseconds timeout, body_deadlines& deadlines,
                                             received_body& out) {
  if (!has_body())
    return std::nullopt;
  if (info_->content_length > 0 && static_cast<size_t>(info_->content_length) > limit)
    return refusal(413, "too_large", "the body is longer than " + std::to_string(limit) + " bytes");
  if (!header("Expect").empty()) {
    constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    mg_write(raw_, go_on.data(), go_on.size());
  }
  body_deadlines::watched watched{deadlines, {info_->remote_addr, info_->remote_port, info_->server_port}, timeout};
  return read_chunks(limit, timeout, out);
}

std::optional<response> connection::read_chunks(size_t limit, milliseconds timeout, received_body& out) {
  auto started = clock::now();
  // Of a body in chunks, one byte more than allowed: enough to see that it is too long.
  auto wanted = info_->content_length > 0 ? static_cast<size_t>(info_->content_length) : limit + 1;
  size_t size = 0;
  while (size < wanted) {
    if (size == out.text.size()) {
      auto more = std::min(piece_bytes, wanted - size);
      if (!out.grow(more))
        return refusal(503, "unavailable", "too many large bodies at once; try again");
      out.text.resize(size + more);
    }
    auto count = mg_read(raw_, out.text.data() + size, out.text.size() - size);
    bool late = clock::now() - started >= timeout;
    if (count > 0)
      size += static_cast<size_t>(count);
    if (late && size < wanted)
      return refusal(408, "timed_out", "the body did not arrive within " + std::to_string(timeout.count()) + " ms");
    if (count == 0 && info_->content_length < 0)
      break; // the last chunk
    if (count <= 0)
      return refusal(400, "malformed", "the body ended too early, or its chunks are damaged");
  }
  if (size > limit)
    return refusal(413, "too_large", "the body is longer than " + std::to_string(limit) + " bytes");
  out.text.resize(size);
  return std::nullopt;
}

bool connection::keeps_alive() const {
  if (auto text = header("Connection"); !text.empty())
    return equals(text.data(), "keep-alive");
  return equals(info_->http_version, "1.1");
}

std::string connection::head(const response& x, bool keep) const {
  std::string out;
  out.reserve(256 + x.headers.size() + x.body.size());
  out.append("HTTP/1.1 ").append(std::to_string(x.status)).append(" ").append(reason_phrase(x.status));
  out.append("\r\nConnection: ").append(keep ? "keep-alive" : "close");
  out.append("\r\nCache-Control: no-store\r\n").append(x.headers);
  if (x.status != 204)
    out.append("Content-Type: ").append(x.content_type).append("\r\n");
  return out;
}

void connection::send(const response& x) {
  bool keep = !x.close && keeps_alive();
  if (!keep)
    mg_disable_keep_alive(raw_);
  auto out = head(x, keep);
  if (x.status != 204)
    out.append("Content-Length: ").append(std::to_string(x.body.size())).append("\r\n");
  out.append("\r\n");
  if (method() != "HEAD")
    out.append(x.body);
  mg_write(raw_, out.data(), out.size());
}

void connection::send_stream(const response& x, const std::atomic<bool>& stopping) {
  mg_disable_keep_alive(raw_);
  open_stream stream{raw_, stopping};
  if (stream.write(head(x, false).append("\r\n")) && method() != "HEAD")
    x.stream(stream);
}

void connection::drain() {
  auto until = clock::now() + drain_time;
  std::string buffer(piece_bytes, '\0');
  for (size_t size = 0; size < drained_bytes && clock::now() < until;) {
    auto count = mg_read(raw_, buffer.data(), buffer.size());
    if (count <= 0)
      return;
    size += static_cast<size_t>(count);
  }
}

} // namespace overwatch::http
