#pragma once

#include "runtime/rules/lua_sandbox.hpp"

#include <lua5.4/lua.hpp>

#include <algorithm>
#include <chrono>

/// What the files `lua_*.cpp` share. Lua is linked as C++ (liblua5.4-c++): its errors are C++ exceptions, so a
/// function of ours may raise one while it holds values with destructors.
namespace overwatch {

/// One state of Lua's with its meters. Lives for one run.
class lua_machine {
public:
  explicit lua_machine(const sandbox_limits& limits);
  ~lua_machine();
  lua_machine(const lua_machine&) = delete;
  lua_machine& operator=(const lua_machine&) = delete;

  static lua_machine& of(lua_State* lua);

  /// Null when there was no memory for it.
  lua_State* lua() const { return lua_; }

  /// Meters from here on.
  void start();

  /// Counts work; raises an error when there was too much of it.
  void charge(lua_State* lua, uint64_t instructions);
  uint64_t instructions_left() const { return limits.instructions - std::min(used_, limits.instructions); }

  /// Raises the error of a passed limit again: nobody catches it.
  void raise_if_exceeded(lua_State* lua) const;

  const sandbox_limits limits;
  std::vector<std::string> printed;
  size_t printed_bytes = 0;

private:
  static void* allocate(void* machine, void* block, size_t old_size, size_t new_size);
  static void on_hook(lua_State* lua, lua_Debug* event);
  [[noreturn]] void exceed(lua_State* lua, std::string what);

  lua_State* lua_ = nullptr;
  size_t memory_used_ = 0;
  uint64_t used_ = 0;
  uint64_t calls_ = 0;
  std::chrono::nanoseconds end_{0}; ///< in processor time of this thread
  std::string exceeded_;
};

/// The place in a chunk that is running, as `name:line: `; empty when it is none.
std::string place_of(lua_State* lua);

/// Raises `message`, with the place that called.
[[noreturn]] void raise(lua_State* lua, const std::string& message);

/// Pushes `x`.
void push_value(lua_State* lua, const script_value& x);

/// Reads the value at `index`, the result of the chunk `name`; raises an error that names the place in it when it
/// cannot be stored.
script_value read_value(lua_State* lua, int index, const std::string& name);

/// Opens what chunks may use.
void open_functions(lua_State* lua);

} // namespace overwatch
