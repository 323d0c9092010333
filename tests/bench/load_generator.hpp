#pragma once

#include "tests/bench/histogram.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>

namespace overwatch::bench {

/// What a load generator sends, and what it does with the answers. Called on the generator's thread.
class load_script {
public:
  virtual ~load_script() = default;

  /// The text of the next request; it must stay until its answer came. Empty: none now (asked again after each
  /// tick), and none ever once `finished`.
  virtual std::string_view next() = 0;

  /// An answer came. Throws to abort the run.
  virtual void answered(int status, std::string_view body) = 0;

  /// True when nothing more will be sent; the run then ends with the last answer.
  virtual bool finished() const { return false; }

  /// Called each `tick_interval`. May block for a moment.
  virtual void tick() {}
};

struct load_options {
  uint16_t port = 0;
  uint32_t connections = 16;             ///< keep-alive, with one request in flight each
  std::chrono::milliseconds warm_up{0};  ///< not measured
  std::chrono::milliseconds duration{0}; ///< measured after the warm-up; 0: until the script is finished
  std::chrono::milliseconds tick_interval{50};
  std::chrono::seconds answer_limit{60}; ///< the run fails when no answer comes for so long
  bool server_may_end = false;           ///< a lost connection ends the run, without an error
};

struct load_result {
  uint64_t answers = 0; ///< in the measured time
  double seconds = 0;   ///< that time
  histogram latencies;  ///< from the first byte sent to the last one received

  double per_second() const { return seconds > 0 ? static_cast<double>(answers) / seconds : 0; }
};

/// Drives a server on 127.0.0.1 from the calling thread: two system calls a request and a share of one
/// epoll_wait, because it takes its time from the server's two cores. Throws when a connection ends with a
/// request in flight, when an answer cannot be understood or does not come, and what the script throws.
load_result run_load(const load_options& options, load_script& script);

} // namespace overwatch::bench
