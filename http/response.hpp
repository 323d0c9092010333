#pragma once

#include "http/json_reader.hpp"
#include "messages/error_code.hpp"

#include <caf/error.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch::http {

/// The open end of an answer that has no length, such as an event stream.
class body_stream {
public:
  virtual ~body_stream() = default;

  /// False when the client is gone. May block for 5 s when the client does not read.
  virtual bool write(std::string_view bytes) = 0;

  /// True when the server stops.
  virtual bool stopping() const = 0;
};

struct response {
  int status = 200;
  std::string body;
  std::string_view content_type = "application/json";
  std::string headers; ///< further lines, each ends with CRLF
  bool close = false;  ///< end the connection after this answer
  bool waited = false; ///< took long because the client asked for it: not counted as latency
  std::function<void(body_stream&)> stream; ///< writes the body of an answer without length

  response& header(std::string_view name, std::string_view value);
};

response json_response(std::string body, int status = 200);

/// What is said about a failed request. Every error body has this one shape:
/// `{"error": {code, message, errors: [{field, message, value, allowed}]}, "detail": ...}`.
/// `detail` is for clients of FastAPI: the list of errors with 422, the message otherwise.
struct problem {
  int status = 500;
  std::string code; ///< a word for programs
  std::string message;
  std::vector<field_error> errors;
};

problem to_problem(const failure& x);
problem to_problem(const error_list& errors);  ///< 422
problem to_problem(const syntax_error& error); ///< 400

response error_response(const problem& x);
response error_response(const caf::error& error);
response error_response(int status, std::string code, std::string message);
response error_response(const error_list& errors);

/// Only the object under `error`, for the entries of a batch.
void append_problem(std::string& out, const problem& x);

/// The words of a status line: `Not Found`.
std::string_view reason_phrase(int status);

} // namespace overwatch::http
