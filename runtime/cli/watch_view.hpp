#pragma once

#include "runtime/cli/console.hpp"
#include "messages/time.hpp"

#include <boost/json/value.hpp>
#include <string>
#include <vector>

/// What `overwatch watch` shows, as plain functions of what the node answered.
namespace overwatch::cli {

/// The node at one moment.
struct watch_sample {
  timestamp time;
  boost::json::value status;  ///< GET /status
  boost::json::value stats;   ///< GET /stats
  boost::json::value running; ///< GET /tasks?status=running
  boost::json::value ended;   ///< GET /tasks?status=completed,failed,cancelled
  std::string problem;        ///< why the newest request failed; the rest is then as it was before
};

/// A screen of at most `rows` lines of `console.width` columns. Rates are against `before`.
std::vector<std::string> watch_screen(const console& console, size_t rows, const watch_sample& sample,
                                      const watch_sample& before);

/// The same in one line, for output that is no terminal.
std::string watch_line(const watch_sample& sample, const watch_sample& before);

/// `[#####-----]` of `width` columns with the brackets.
std::string progress_bar(double percent, size_t width);

} // namespace overwatch::cli
