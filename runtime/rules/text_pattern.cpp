#include "runtime/rules/text_pattern.hpp"

#include <cctype>
#include <optional>

namespace overwatch {

namespace {

constexpr size_t max_captures = 32;
constexpr int max_depth = 200; // of the recursion, which is on the C stack
constexpr size_t npos = std::string_view::npos;

struct malformed {
  const char* fault;
};
struct too_costly {};

bool is_of_class(unsigned char c, char name) {
  bool result = false;
  switch (std::tolower(static_cast<unsigned char>(name))) {
    case 'a': result = std::isalpha(c) != 0; break;
    case 'c': result = std::iscntrl(c) != 0; break;
    case 'd': result = std::isdigit(c) != 0; break;
    case 'g': result = std::isgraph(c) != 0; break;
    case 'l': result = std::islower(c) != 0; break;
    case 'p': result = std::ispunct(c) != 0; break;
    case 's': result = std::isspace(c) != 0; break;
    case 'u': result = std::isupper(c) != 0; break;
    case 'w': result = std::isalnum(c) != 0; break;
    case 'x': result = std::isxdigit(c) != 0; break;
    default: return name == static_cast<char>(c);
  }
  return std::isupper(static_cast<unsigned char>(name)) != 0 ? !result : result;
}

// `set` without its brackets: `^%a_-`.
bool is_in_set(unsigned char c, std::string_view set) {
  bool negated = !set.empty() && set.front() == '^';
  if (negated)
    set.remove_prefix(1);
  for (size_t i = 0; i < set.size(); ++i) {
    if (set[i] == '%' && i + 1 < set.size()) {
      if (is_of_class(c, set[++i]))
        return !negated;
    } else if (i + 2 < set.size() && set[i + 1] == '-') {
      if (static_cast<unsigned char>(set[i]) <= c && c <= static_cast<unsigned char>(set[i + 2]))
        return !negated;
      i += 2;
    } else if (static_cast<unsigned char>(set[i]) == c) {
      return !negated;
    }
  }
  return negated;
}

// Walks pattern and subject side by side; alternatives are tried by recursion, the rest in a loop.
class matcher {
public:
  matcher(std::string_view subject, std::string_view pattern, uint64_t max_steps)
    : subject_{subject}, pattern_{pattern}, steps_left_{max_steps} {}

  std::optional<size_t> match_at(size_t begin) {
    captures_.clear();
    return match(begin, 0);
  }

  const std::vector<pattern_capture>& captures() const { return captures_; }
  uint64_t steps_left() const { return steps_left_; }

private:
  static constexpr size_t open = npos; // size of a capture whose end has not come

  std::optional<size_t> match(size_t at, size_t p) {
    if (++depth_ > max_depth)
      throw malformed{"pattern too complex"};
    auto result = match_here(at, p);
    --depth_;
    return result;
  }

  std::optional<size_t> match_here(size_t at, size_t p) {
    while (p < pattern_.size()) {
      spend(1);
      auto c = pattern_[p];
      if (c == '(')
        return begin_capture(at, p);
      if (c == ')')
        return end_capture(at, p + 1);
      if (c == '$' && p + 1 == pattern_.size())
        return at == subject_.size() ? std::optional{at} : std::nullopt;
      if (c == '%' && p + 1 < pattern_.size()) {
        auto next = pattern_[p + 1];
        if (next == 'b' || next == 'f' || std::isdigit(static_cast<unsigned char>(next)) != 0) {
          if (!match_special(next, at, p))
            return std::nullopt;
          continue;
        }
      }
      auto end = end_of_item(p);
      auto repetition = end < pattern_.size() ? pattern_[end] : '\0';
      switch (repetition) {
        case '*': return match_most(at, p, end, 0);
        case '+': return match_most(at, p, end, 1);
        case '-': return match_least(at, p, end);
        case '?':
          if (is_match(at, p, end))
            if (auto result = try_rest(at + 1, end + 1))
              return result;
          p = end + 1;
          break;
        default:
          if (!is_match(at, p, end))
            return std::nullopt;
          ++at;
          p = end;
      }
    }
    return at;
  }

  // Captures made on the way to a dead end are forgotten.
  std::optional<size_t> try_rest(size_t at, size_t p) {
    auto before = captures_;
    auto result = match(at, p);
    if (!result)
      captures_ = std::move(before);
    return result;
  }

  std::optional<size_t> match_most(size_t at, size_t p, size_t end, size_t least) {
    size_t count = 0;
    while (is_match(at + count, p, end)) {
      spend(1);
      ++count;
    }
    for (;; --count) {
      if (count < least)
        return std::nullopt;
      if (auto result = try_rest(at + count, end + 1))
        return result;
      if (count == 0)
        return std::nullopt;
    }
  }

  std::optional<size_t> match_least(size_t at, size_t p, size_t end) {
    for (;; ++at) {
      if (auto result = try_rest(at, end + 1))
        return result;
      if (!is_match(at, p, end))
        return std::nullopt;
    }
  }

  std::optional<size_t> begin_capture(size_t at, size_t p) {
    if (captures_.size() >= max_captures)
      throw malformed{"too many captures"};
    bool position = p + 1 < pattern_.size() && pattern_[p + 1] == ')';
    captures_.push_back({at, position ? 0 : open, position});
    return match(at, p + (position ? 2 : 1));
  }

  std::optional<size_t> end_capture(size_t at, size_t p) {
    for (auto i = captures_.rbegin(); i != captures_.rend(); ++i) {
      if (i->size != open)
        continue;
      i->size = at - i->begin;
      return match(at, p);
    }
    throw malformed{"invalid pattern capture"};
  }

  // `%bxy`, `%f[set]` and `%1`: moves both on, or fails.
  bool match_special(char name, size_t& at, size_t& p) {
    if (name == 'b')
      return match_balance(at, p);
    if (name == 'f')
      return match_frontier(at, p);
    auto number = static_cast<size_t>(name - '1');
    if (name == '0' || number >= captures_.size() || captures_[number].size == open || captures_[number].position)
      throw malformed{"invalid capture index in the pattern"};
    auto text = subject_.substr(captures_[number].begin, captures_[number].size);
    spend(text.size());
    if (subject_.substr(at, text.size()) != text)
      return false;
    at += text.size();
    p += 2;
    return true;
  }

  bool match_balance(size_t& at, size_t& p) {
    if (p + 3 >= pattern_.size())
      throw malformed{"malformed pattern (missing arguments to '%b')"};
    auto begin = pattern_[p + 2];
    auto end = pattern_[p + 3];
    if (at >= subject_.size() || subject_[at] != begin)
      return false;
    size_t level = 1;
    for (auto i = at + 1; i < subject_.size(); ++i) {
      spend(1);
      if (subject_[i] == end) {
        if (--level == 0) {
          at = i + 1;
          p += 4;
          return true;
        }
      } else if (subject_[i] == begin) {
        ++level;
      }
    }
    return false;
  }

  bool match_frontier(size_t at, size_t& p) {
    p += 2;
    if (p >= pattern_.size() || pattern_[p] != '[')
      throw malformed{"missing '[' after '%f' in the pattern"};
    auto end = end_of_item(p);
    auto set = pattern_.substr(p + 1, end - p - 2);
    auto before = at == 0 ? '\0' : subject_[at - 1];
    auto here = at < subject_.size() ? subject_[at] : '\0';
    p = end;
    return !is_in_set(static_cast<unsigned char>(before), set) && is_in_set(static_cast<unsigned char>(here), set);
  }

  // Behind the single character class that begins at `p`.
  size_t end_of_item(size_t p) const {
    auto c = pattern_[p++];
    if (c == '%') {
      if (p >= pattern_.size())
        throw malformed{"malformed pattern (ends with '%')"};
      return p + 1;
    }
    if (c != '[')
      return p;
    if (p < pattern_.size() && pattern_[p] == '^')
      ++p;
    do { // a ']' that comes first belongs to the set
      if (p >= pattern_.size())
        throw malformed{"malformed pattern (missing ']')"};
      p += pattern_[p] == '%' ? 2 : 1;
    } while (p >= pattern_.size() || pattern_[p] != ']');
    return p + 1;
  }

  bool is_match(size_t at, size_t p, size_t end) {
    if (at >= subject_.size())
      return false;
    auto c = static_cast<unsigned char>(subject_[at]);
    switch (pattern_[p]) {
      case '.': return true;
      case '%': return is_of_class(c, pattern_[p + 1]);
      case '[': spend((end - p) / 4); return is_in_set(c, pattern_.substr(p + 1, end - p - 2));
      default: return pattern_[p] == subject_[at];
    }
  }

  void spend(uint64_t steps) {
    if (steps > steps_left_)
      throw too_costly{};
    steps_left_ -= steps;
  }

  std::string_view subject_;
  std::string_view pattern_;
  uint64_t steps_left_;
  int depth_ = 0;
  std::vector<pattern_capture> captures_;
};

} // namespace

pattern_match find_pattern(std::string_view subject, std::string_view pattern, size_t from, bool anchors,
                           uint64_t max_steps) {
  bool anchored = anchors && !pattern.empty() && pattern.front() == '^';
  if (anchored)
    pattern.remove_prefix(1);
  matcher search{subject, pattern, max_steps};
  pattern_match result;
  try {
    for (auto at = from; at <= subject.size(); ++at) {
      if (auto end = search.match_at(at)) {
        result.how = pattern_match::status::found;
        result.begin = at;
        result.end = *end;
        result.captures = search.captures();
        for (const auto& x : result.captures)
          if (x.size == npos)
            throw malformed{"unfinished capture"};
        break;
      }
      if (anchored)
        break;
    }
  } catch (const malformed& x) {
    result.how = pattern_match::status::malformed;
    result.fault = x.fault;
  } catch (const too_costly&) {
    result.how = pattern_match::status::too_costly;
  }
  result.steps = max_steps - search.steps_left();
  return result;
}

} // namespace overwatch
