#pragma once

#include "http/query.hpp"
#include "http/response.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch::http {

struct service;

/// A request whose route is known and whose body has arrived.
struct request {
  std::string_view path;
  query parameters;                ///< of the URL; only those that the route allows
  std::vector<std::string> values; ///< of the `{...}` segments, decoded
  std::string body;
  std::string_view content_type;
  std::string_view last_event_id; ///< where an event stream that reconnects was
  std::string_view if_match;
  std::string_view accept;
  std::string_view client; ///< its address
};

using handler = response (*)(service&, const request&);

enum class body_size : uint8_t { usual, batch };
enum class last_segment : uint8_t { one, rest }; ///< `rest`: takes all that follows, slashes included

/// One row of the API.
struct route {
  std::string_view method;
  std::string_view pattern; ///< segments are exact; `{name}` takes one segment
  std::string_view query;   ///< allowed parameters, separated by blanks; `context.*` allows a prefix
  handler handle;
  body_size body = body_size::usual;
  last_segment last = last_segment::one;
};

/// All routes, in the order of the documentation.
const std::vector<route>& all_routes();

/// Finds routes. Paths are compared segment by segment, case-sensitively; HEAD is answered by GET.
class router {
public:
  explicit router(const std::vector<route>& routes);

  static constexpr size_t none = static_cast<size_t>(-1);
  static constexpr size_t max_segments = 8;

  struct result {
    size_t position = none;          ///< in the list of routes; none: no such path, or not with this method
    std::vector<std::string> values; ///< of the `{...}` segments
    std::string allow;               ///< methods of this path; empty: there is no such path
    bool damaged = false;            ///< the path is not percent-encoded UTF-8
  };

  result find(std::string_view method, std::string_view path) const;

private:
  struct entry {
    std::string_view method;
    std::vector<std::string_view> segments;
    bool takes_rest = false;
  };
  std::vector<entry> entries_;
};

} // namespace overwatch::http
