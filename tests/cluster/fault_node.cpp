// A node whose handlers misbehave in every way that C++ allows.

#include "runtime/main.hpp"

#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>

namespace {

using overwatch::attempt_context;
using overwatch::outcome;

constexpr size_t huge_bytes = 100 * 1000 * 1000;
constexpr int flood_lines = 200'000;

outcome throws_exception(const attempt_context&) { throw std::runtime_error{"the handler gave up"}; }

outcome throws_number(const attempt_context&) { throw 42; }

outcome runs_out_of_memory(const attempt_context&) { throw std::bad_alloc{}; }

/// Listens to nobody and never returns.
outcome hangs(const attempt_context&) {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock{mutex};
  for (;;)
    never.wait(lock);
}

outcome waits_for_stop(const attempt_context& ctx) {
  while (!ctx.wait_for(std::chrono::hours{1})) {
  }
  return outcome::failed("told to stop");
}

outcome returns_huge_result(const attempt_context&) {
  return outcome::completed('"' + std::string(huge_bytes, 'x') + '"');
}

outcome returns_no_json(const attempt_context&) { return outcome::completed("{\"half\": "); }

outcome floods_log(const attempt_context& ctx) {
  for (int i = 0; i < flood_lines; ++i) {
    ctx.log(overwatch::log_level::info, "line " + std::to_string(i));
    ctx.progress(100.0 * i / flood_lines, std::string(100, 'p'));
  }
  return outcome::completed();
}

outcome logs_damaged_text(const attempt_context& ctx) {
  ctx.log(overwatch::log_level::info, "\xFF\xFE not UTF-8 \n\x01", "{not json");
  ctx.progress(1e308 * 10, "\xC3");
  return outcome::failed("\xFF damaged message");
}

/// Takes the whole node down, every time.
outcome aborts(const attempt_context&) { std::abort(); }

} // namespace

int main(int argc, char** argv) {
  overwatch::handler_registry handlers;
  handlers.add("throws_exception", throws_exception);
  handlers.add("throws_number", throws_number);
  handlers.add("runs_out_of_memory", runs_out_of_memory);
  handlers.add("inline_throw", throws_exception, {"Throws on a thread of the scheduler.", false});
  handlers.add("hangs", hangs, {"Never returns.", true, 1});
  handlers.add("waits_for_stop", waits_for_stop);
  handlers.add("returns_huge_result", returns_huge_result);
  handlers.add("returns_no_json", returns_no_json);
  handlers.add("floods_log", floods_log);
  handlers.add("logs_damaged_text", logs_damaged_text);
  handlers.add("aborts", aborts);
  return overwatch::run_main(argc, argv, handlers);
}
