#include "runtime/cli/rest_client.hpp"

#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <curl/curl.h>

namespace overwatch::cli {

namespace {

constexpr std::string_view api_prefix = "/api/overwatch";

// Ends a transfer that must not go on; libcurl only wants a value that differs from the size.
constexpr size_t stop_transfer = 0;

struct sink {
  rest_reply* reply;
  const std::function<bool(std::string_view)>* on_data = nullptr; // of streams, once the answer is good
  const std::atomic<bool>* stop = nullptr;
  bool ended_here = false;
};

bool begins_with(std::string_view text, std::string_view front) { return text.substr(0, front.size()) == front; }

size_t take_body(char* data, size_t size, size_t count, void* context) {
  auto& into = *static_cast<sink*>(context);
  const std::string_view piece{data, size * count};
  if (into.on_data != nullptr && into.reply->good()) {
    if ((*into.on_data)(piece))
      return piece.size();
    into.ended_here = true;
    return stop_transfer;
  }
  if (into.reply->body.size() + piece.size() > rest_client::max_reply_bytes)
    return stop_transfer;
  into.reply->body += piece;
  return piece.size();
}

size_t take_header(char* data, size_t size, size_t count, void* context) {
  auto& reply = *static_cast<sink*>(context)->reply;
  std::string_view line{data, size * count};
  if (begins_with(line, "HTTP/")) {
    reply.headers.clear();
    const auto space = line.find(' ');
    reply.status =
      space == std::string_view::npos ? 0 : std::strtol(std::string{line.substr(space)}.c_str(), nullptr, 10);
    return size * count;
  }
  const auto colon = line.find(':');
  if (colon != std::string_view::npos) {
    std::string name{line.substr(0, colon)};
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    auto value = line.substr(colon + 1);
    while (!value.empty() && std::isspace(static_cast<unsigned char>(value.front())))
      value.remove_prefix(1);
    while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back())))
      value.remove_suffix(1);
    reply.headers[name] = std::string{value};
  }
  return size * count;
}

int watch_progress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& into = *static_cast<sink*>(context);
  if (into.stop == nullptr || !into.stop->load())
    return 0;
  into.ended_here = true;
  return 1;
}

std::string host_of(const std::string& url) {
  std::unique_ptr<CURLU, void (*)(CURLU*)> parsed{curl_url(), curl_url_cleanup};
  char* host = nullptr;
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK ||
      curl_url_get(parsed.get(), CURLUPART_HOST, &host, 0) != CURLUE_OK)
    return {};
  std::string result{host};
  curl_free(host);
  return result;
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "[::1]" || begins_with(host, "127.");
}

command_failure transport_failure(const std::string& url, CURLcode code, bool connected) {
  switch (code) {
  case CURLE_URL_MALFORMAT:
  case CURLE_UNSUPPORTED_PROTOCOL:
    return {exit_code::usage, "'" + printable(url) + "' is no URL of a node: it looks like http://127.0.0.1:8765"};
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_CONNECT:
    break;
  case CURLE_OPERATION_TIMEDOUT:
    if (connected)
      return {exit_code::server, "the node at " + url +
                                   " did not answer in time; its outcome is unknown: look with "
                                   "`overwatch list-tasks`, or allow more with --timeout SECONDS before the command"};
    break;
  case CURLE_WRITE_ERROR:
    return {exit_code::server, "the answer of " + url + " is larger than " +
                                 format_bytes(static_cast<double>(rest_client::max_reply_bytes)) + ": ask for less"};
  default:
    return {exit_code::unreachable, "the connection to " + url + " broke: " + curl_easy_strerror(code)};
  }
  return {exit_code::unreachable,
          "no node answers at " + url + ": start one with `overwatch start`, or name another with --url"};
}

} // namespace

void rest_client::handle_closer::operator()(void* handle) const { curl_easy_cleanup(handle); }

rest_client::rest_client(std::string url, milliseconds timeout) : url_{std::move(url)}, timeout_{timeout} {
  static const auto initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (url_.find("://") == std::string::npos)
    url_ = "http://" + url_;
  url_.erase(url_.find_last_not_of('/') + 1);
  if (host_of(url_).empty())
    throw transport_failure(url_, CURLE_URL_MALFORMAT, false);
  handle_.reset(initialised == CURLE_OK ? curl_easy_init() : nullptr);
  if (!handle_)
    throw command_failure{exit_code::failed, "the HTTP library cannot be set up"};
}

void rest_client::prepare(const std::string& method, const std::string& path) const {
  auto* handle = handle_.get();
  curl_easy_reset(handle);
  curl_easy_setopt(handle, CURLOPT_URL, (url_ + std::string{api_prefix} + path).c_str());
  curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L); // a key may be `..`
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, method.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect_timeout.count()));
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "overwatch-cli/" OVERWATCH_VERSION);
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, watch_progress);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  if (is_loopback(host_of(url_)))
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
}

rest_reply rest_client::send(const std::string& method, const std::string& path, const std::string& body,
                             milliseconds longer, const char* media_type) const {
  prepare(method, path);
  auto* handle = handle_.get();
  rest_reply reply;
  sink into{&reply};
  std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers{
    curl_slist_append(nullptr, (std::string{"Content-Type: "} + media_type).c_str()), curl_slist_free_all};
  // Without it libcurl holds larger bodies back until the server says 100-continue.
  curl_slist_append(headers.get(), "Expect:");
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>((timeout_ + longer).count()));
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &into);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &into);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &into);
  if (method != "GET") {
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.data());
  }
  const auto code = curl_easy_perform(handle);
  if (code != CURLE_OK) {
    // Not the time of the connect: that is 0 when a connection was used again.
    curl_off_t begin_us = 0;
    curl_easy_getinfo(handle, CURLINFO_PRETRANSFER_TIME_T, &begin_us);
    throw transport_failure(url_, code, begin_us > 0);
  }
  return reply;
}

rest_reply rest_client::request(const std::string& method, const std::string& path, const std::string& body,
                                milliseconds longer, const char* media_type) const {
  auto reply = send(method, path, body, longer, media_type);
  if (!reply.good())
    throw failure_of(reply);
  return reply;
}

rest_reply rest_client::stream(const std::string& path, const std::function<bool(std::string_view)>& on_data,
                               const std::atomic<bool>& stop) const {
  prepare("GET", path);
  auto* handle = handle_.get();
  rest_reply reply;
  sink into{&reply, &on_data, &stop};
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &into);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &into);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &into);
  const auto code = curl_easy_perform(handle);
  if (into.ended_here)
    return reply;
  // A node that stops ends its streams without a last chunk: for the reader that is an end like any other.
  const bool node_ended = code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING;
  if (code != CURLE_OK && !(node_ended && reply.good()))
    throw transport_failure(url_, code, false);
  return reply;
}

command_failure failure_of(const rest_reply& reply) {
  const auto code = reply.status >= 400 && reply.status < 500 ? exit_code::refused : exit_code::server;
  const auto content = parse_json(reply.body);
  const auto* error = content ? find_field(*content, "error") : nullptr;
  std::string message = error != nullptr ? text_of(*error, "message") : std::string{};
  if (message.empty() && error != nullptr)
    message = text_of(*content, "error");
  if (message.empty())
    message =
      "it answered " + std::to_string(reply.status) + " without a reason: is there an overwatch node at this URL?";
  message = (code == exit_code::refused ? "the node refused: " : "the node failed: ") + printable(message);
  const auto* parts = error != nullptr ? find_field(*error, "errors") : nullptr;
  if (parts != nullptr && parts->is_array())
    for (const auto& part : parts->get_array()) {
      // Of one fault alone the message says it already.
      const auto fault = printable(text_of(part, "field")) + ": " + printable(text_of(part, "message"));
      if (message.find(fault) == std::string::npos)
        message += "\n  " + fault;
    }
  if (const auto retry = reply.headers.find("retry-after"); retry != reply.headers.end())
    message += "\n  try again in " + printable(retry->second) + " s";
  return {code, message};
}

} // namespace overwatch::cli
