#pragma once

#include "actors/handler.hpp"

#include <boost/json.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch::maintenance {

class details_file;

/// How an action ended. `skipped`: it had nothing to do here, or could not look; why stands in what was left.
enum class action_status : uint8_t { done, skipped, failed };

std::string_view name_of(action_status x);

/// What an action did.
class action_result {
public:
  /// Kinds of things left that a result lists; of more only the number is said.
  static constexpr size_t max_left = 20;

  explicit action_result(std::string action) : action_{std::move(action)} {}

  action_status status = action_status::done;
  uint64_t freed_bytes = 0; ///< on disk; with a dry run: that would be
  uint64_t removed = 0;     ///< files and directories
  boost::json::object details;

  /// Notes that `what` was left alone. Things that were left for the same reason count together.
  void leave(const std::string& what, const std::string& why);

  /// Nothing could be done: the whole of the action is left.
  void skip(const std::string& what, const std::string& why);
  void fail(const std::string& what, const std::string& why);

  const std::string& action() const { return action_; }
  uint64_t left() const { return left_count_; }
  boost::json::object to_json() const;

private:
  struct left_things {
    std::string first;
    uint64_t count = 0;
  };

  std::string action_;
  std::map<std::string, left_things> left_; // by why
  uint64_t left_count_ = 0;
};

/// What an action works with.
struct action_environment {
  const attempt_context& attempt;
  bool dry_run = false;
  details_file& lines; ///< each thing that is removed, changed or left gets a line
  std::function<void(double share, const std::string& text)> progress; ///< share of this action, 0 to 1

  bool stopping() const { return attempt.stopping(); }
};

/// An action was told to stop: what it did until then stands in its result.
struct stopped {};

} // namespace overwatch::maintenance
