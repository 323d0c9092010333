#pragma once

#include "tests/actors/reference_model.hpp"

#include <random>

namespace overwatch::test {

/// Commands of every kind about few tasks, keys, gates and names, so that they meet all the time.
class random_commands {
public:
  explicit random_commands(unsigned seed) : random_{seed} {}

  uint32_t below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }
  bool once_in(uint32_t n) { return below(n) == 0; }

  /// The next command at `time`; the model tells what is likely to be legal.
  command next(const reference_model& model, timestamp time);

  static constexpr uint64_t tasks = 10;      ///< their numbers are from 1
  static constexpr uint64_t members_at = 20; ///< the numbers of tasks of workflows
  static constexpr uint64_t workflows_at = 50;
  static constexpr uint64_t workflows = 3;
  static constexpr uint64_t last_task = members_at + 3 * workflows - 1;

private:
  std::string any(std::initializer_list<const char*> names);
  uint64_t any_task();
  submission any_submission(uint64_t n, timestamp time);
  command any_finish(const reference_model& model, timestamp time);
  command any_put();
  command any_workflow(timestamp time);
  command any_patch(timestamp time);

  std::mt19937 random_;
};

} // namespace overwatch::test
