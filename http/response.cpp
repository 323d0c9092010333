#include "http/response.hpp"

#include "http/json_text.hpp"

namespace overwatch::http {

namespace {

constexpr std::string_view retry_after_seconds = "1";

int status_of(ec code) {
  switch (code) {
    case ec::none:
      return 200;
    case ec::invalid:
    case ec::unknown_type:
      return 422;
    case ec::not_found:
      return 404;
    case ec::conflict:
      return 409;
    case ec::overloaded:
      return 429;
    case ec::no_space:
      return 507;
    case ec::unavailable:
    case ec::not_leader:
      return 503;
    case ec::timed_out:
      return 504;
    case ec::too_large:
      return 413;
    case ec::internal:
      return 500;
  }
  return 500;
}

void append_field_error(std::string& out, const field_error& x) {
  object_writer json{out};
  json.text("field", x.field).text("message", x.message).raw("value", x.value).texts("allowed", x.allowed).close();
}

void append_detail(std::string& out, const field_error& x) {
  object_writer json{out};
  json.text("type", x.kind).raw("loc", x.location).text("msg", x.message).raw("input", x.value).close();
}

// `["body","retry","base"]` of `/retry/base`.
std::string location_of(const std::string& pointer) {
  std::string out = "[\"body\"";
  size_t start = 1;
  while (start < pointer.size() + 1 && !pointer.empty()) {
    auto end = std::min(pointer.find('/', start), pointer.size());
    out += ',';
    append_quoted(out, std::string_view{pointer}.substr(start, end - start));
    start = end + 1;
  }
  return out + ']';
}

} // namespace

response& response::header(std::string_view name, std::string_view value) {
  headers.append(name).append(": ").append(value).append("\r\n");
  return *this;
}

response json_response(std::string body, int status) {
  response out;
  out.status = status;
  out.body = std::move(body);
  return out;
}

problem to_problem(const failure& x) {
  problem out{status_of(x.code), to_string(x.code == ec::not_leader ? ec::unavailable : x.code), x.message, {}};
  if (out.status == 422)
    out.errors.push_back({x.field, location_of(x.field), "value_error", x.message, {}, {}});
  if (!x.field.empty())
    out.message = x.field + ": " + x.message;
  return out;
}

problem to_problem(const error_list& errors) { return {422, "invalid", errors.summary(), errors.errors()}; }

problem to_problem(const syntax_error& error) { return {400, "malformed", error.message, {}}; }

response error_response(const problem& x) {
  response out;
  out.status = x.status;
  object_writer json{out.body};
  append_problem(json.member("error"), x);
  if (x.status == 422) {
    auto& detail = json.member("detail");
    append_array(detail, x.errors, [&](const field_error& e) { append_detail(detail, e); });
  } else {
    json.text("detail", x.message);
  }
  json.close();
  if (x.status == 429 || x.status == 503)
    out.header("Retry-After", retry_after_seconds);
  return out;
}

response error_response(const caf::error& error) { return error_response(to_problem(describe(error))); }

response error_response(int status, std::string code, std::string message) {
  return error_response(problem{status, std::move(code), std::move(message), {}});
}

response error_response(const error_list& errors) { return error_response(to_problem(errors)); }

void append_problem(std::string& out, const problem& x) {
  object_writer json{out};
  json.text("code", x.code).text("message", x.message);
  auto& errors = json.member("errors");
  append_array(errors, x.errors, [&](const field_error& e) { append_field_error(errors, e); });
  json.close();
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return status < 400 ? "OK" : "Error";
  }
}

} // namespace overwatch::http
