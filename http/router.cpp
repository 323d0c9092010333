#include "http/router.hpp"

#include <algorithm>
#include <array>

namespace overwatch::http {

namespace {

// Segments after the leading slash; "/" has one empty segment. A larger number than fits when there are too many.
size_t split(std::string_view path, std::array<std::string_view, router::max_segments>& out) {
  size_t count = 0;
  path.remove_prefix(1);
  while (true) {
    if (count == out.size())
      return count + 1;
    auto end = path.find('/');
    out[count++] = path.substr(0, end);
    if (end == std::string_view::npos)
      return count;
    path.remove_prefix(end + 1);
  }
}

bool is_parameter(std::string_view segment) { return !segment.empty() && segment.front() == '{'; }

void add_method(std::string& allow, std::string_view method) {
  allow.append(allow.empty() ? "" : ", ").append(method);
  if (method == "GET")
    allow.append(", HEAD");
}

} // namespace

router::router(const std::vector<route>& routes) {
  for (const auto& route : routes) {
    std::array<std::string_view, max_segments> segments;
    auto count = split(route.pattern, segments);
    entries_.push_back({route.method, {segments.begin(), segments.begin() + static_cast<std::ptrdiff_t>(count)},
                        route.last == last_segment::rest});
  }
}

router::result router::find(std::string_view method, std::string_view path) const {
  result out;
  if (path.empty() || path.front() != '/')
    return out;
  std::array<std::string_view, max_segments> raw;
  auto count = split(path, raw);
  std::array<std::string, max_segments> decoded; // only of segments that need it
  auto segments = raw;
  for (size_t i = 0; i < std::min(count, max_segments); ++i) {
    if (raw[i].find('%') == std::string_view::npos)
      continue;
    auto text = percent_decode(raw[i], false);
    if (!text) {
      out.damaged = true;
      return out;
    }
    segments[i] = decoded[i] = std::move(*text);
  }
  auto wanted = method == "HEAD" ? std::string_view{"GET"} : method;
  size_t literal_match = none; // a path with exact segments is preferred to one with parameters
  auto matches = [&](const entry& x, bool& exact) {
    auto size = x.segments.size();
    if (x.takes_rest ? count < size : count != size)
      return false;
    exact = true;
    for (size_t i = 0; i < size; ++i) {
      if (is_parameter(x.segments[i]) && !segments[i].empty())
        exact = false;
      else if (x.segments[i] != segments[i])
        return false;
    }
    return true;
  };
  for (size_t i = 0; i < entries_.size(); ++i) {
    bool exact = false;
    if (!matches(entries_[i], exact))
      continue;
    add_method(out.allow, entries_[i].method);
    if (entries_[i].method != wanted)
      continue;
    if (exact)
      literal_match = i;
    else if (out.position == none)
      out.position = i;
  }
  if (literal_match != none)
    out.position = literal_match;
  if (out.position == none)
    return out;
  const auto& found = entries_[out.position];
  for (size_t i = 0; i < found.segments.size(); ++i)
    if (is_parameter(found.segments[i]))
      out.values.emplace_back(segments[i]);
  if (!found.takes_rest)
    return out;
  auto start = raw[found.segments.size() - 1].data() - path.data();
  auto rest = percent_decode(path.substr(static_cast<size_t>(start)), false);
  out.damaged = !rest;
  if (rest)
    out.values.back() = std::move(*rest);
  return out;
}

} // namespace overwatch::http
