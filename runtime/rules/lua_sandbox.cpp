#include "runtime/rules/lua_sandbox.hpp"

#include "runtime/handlers/output_lines.hpp"
#include "runtime/rules/lua_machine.hpp"

#include <algorithm>
#include <cstdlib>
#include <ctime>

namespace overwatch {

namespace {

constexpr int hook_interval = 20;     // instructions between two looks at the limits
constexpr uint64_t call_interval = 8; // calls, likewise
constexpr int levels_searched = 6;    // for the line of an error

// Of the processor, not of the clock: a machine that is busy with other things makes no rule fail.
std::chrono::nanoseconds thread_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

} // namespace

// -- one state -----------------------------------------------------------------

lua_machine::lua_machine(const sandbox_limits& allowed) : limits{allowed} {
  lua_ = lua_newstate(allocate, this);
  if (lua_ != nullptr)
    *static_cast<lua_machine**>(lua_getextraspace(lua_)) = this;
}

lua_machine::~lua_machine() {
  if (lua_ != nullptr)
    lua_close(lua_);
}

lua_machine& lua_machine::of(lua_State* lua) {
  return **static_cast<lua_machine**>(lua_getextraspace(lua));
}

void* lua_machine::allocate(void* machine, void* block, size_t old_size, size_t new_size) {
  auto& self = *static_cast<lua_machine*>(machine);
  auto old = block == nullptr ? 0 : old_size; // without a block it is the kind of the value
  if (new_size == 0) {
    std::free(block);
    self.memory_used_ -= old;
    return nullptr;
  }
  if (new_size > old && self.memory_used_ - old + new_size > self.limits.memory_bytes)
    return nullptr;
  auto* result = std::realloc(block, new_size);
  if (result != nullptr)
    self.memory_used_ += new_size - old;
  return result;
}

void lua_machine::start() {
  end_ = thread_time() + limits.time;
  lua_sethook(lua_, on_hook, LUA_MASKCOUNT | LUA_MASKCALL, hook_interval);
}

// Functions in C may loop over calls without an instruction of the machine: calls are looked at, too.
void lua_machine::on_hook(lua_State* lua, lua_Debug* event) {
  auto& self = of(lua);
  if (event->event == LUA_HOOKCOUNT)
    self.charge(lua, hook_interval);
  else if (!self.exceeded_.empty() || ++self.calls_ % call_interval == 0)
    self.charge(lua, call_interval);
}

void lua_machine::charge(lua_State* lua, uint64_t instructions) {
  raise_if_exceeded(lua);
  used_ += instructions;
  if (used_ > limits.instructions)
    exceed(lua, "used more than " + std::to_string(limits.instructions) + " instructions");
  if (thread_time() > end_)
    exceed(lua, "ran longer than " + std::to_string(limits.time.count()) + " ms");
}

// From now on every instruction raises: what runs while the error travels (`<close>`) gets no further.
void lua_machine::exceed(lua_State* lua, std::string what) {
  exceeded_ = place_of(lua) + what;
  lua_sethook(lua, on_hook, LUA_MASKCOUNT | LUA_MASKCALL, 1);
  raise_if_exceeded(lua);
  std::abort(); // it has raised
}

void lua_machine::raise_if_exceeded(lua_State* lua) const {
  if (exceeded_.empty())
    return;
  lua_pushlstring(lua, exceeded_.data(), exceeded_.size());
  lua_error(lua);
}

std::string place_of(lua_State* lua) {
  lua_Debug at;
  for (int level = 0; level < levels_searched && lua_getstack(lua, level, &at) != 0; ++level) {
    lua_getinfo(lua, "Sl", &at);
    // The prelude has no name that a user could know.
    if (at.currentline > 0 && at.short_src[0] != '?')
      return std::string{at.short_src} + ':' + std::to_string(at.currentline) + ": ";
  }
  return {};
}

void raise(lua_State* lua, const std::string& message) {
  auto text = place_of(lua) + message;
  lua_pushlstring(lua, text.data(), text.size());
  lua_error(lua);
  std::abort(); // it has raised
}

// -- chunks --------------------------------------------------------------------

namespace {

// One run, as it is seen from inside Lua's protected call.
struct chunk_run {
  const std::string& name;
  const std::string& text;
  lua_sandbox::form how;
  const std::map<std::string, script_value>* globals; ///< null: only compile
  script_value result;
};

// "b" is never allowed: crafted byte code breaks the machine.
int load_text(lua_State* lua, const std::string& name, const std::string& text) {
  return luaL_loadbufferx(lua, text.data(), text.size(), ("=" + name).c_str(), "t");
}

// Leaves the function on the stack, or raises what is wrong: of a text without `return`, what is wrong with the
// expression.
void load_chunk(lua_State* lua, const chunk_run& x) {
  if (x.how == lua_sandbox::form::expression && load_text(lua, x.name, "return " + x.text) == LUA_OK)
    return;
  if (load_text(lua, x.name, x.text) == LUA_OK)
    return;
  if (x.how == lua_sandbox::form::expression && x.text.find("return") == std::string::npos)
    lua_pop(lua, 1);
  lua_error(lua);
}

// Makes a text of what was thrown, while the place is still known.
int on_error(lua_State* lua) {
  if (lua_type(lua, 1) != LUA_TSTRING) {
    auto text = place_of(lua) + "a " + luaL_typename(lua, 1) + " was thrown, which has no text";
    if (lua_isnumber(lua, 1) != 0)
      text = place_of(lua) + lua_tostring(lua, 1);
    lua_pushlstring(lua, text.data(), text.size());
  }
  return 1;
}

int run_protected(lua_State* lua) {
  auto& x = *static_cast<chunk_run*>(lua_touserdata(lua, 1));
  open_functions(lua);
  if (x.globals == nullptr) {
    load_chunk(lua, x);
    return 0;
  }
  for (const auto& [name, value] : *x.globals) {
    push_value(lua, value);
    lua_setglobal(lua, name.c_str());
  }
  lua_pushcfunction(lua, on_error);
  auto handler = lua_gettop(lua);
  load_chunk(lua, x);
  auto& machine = lua_machine::of(lua);
  machine.start();
  auto status = lua_pcall(lua, 0, 1, handler);
  machine.raise_if_exceeded(lua);
  if (status != LUA_OK)
    lua_error(lua);
  lua_sethook(lua, nullptr, 0, 0);
  x.result = read_value(lua, lua_gettop(lua), x.name);
  return 0;
}

std::string run_in(lua_machine& machine, chunk_run& x) {
  auto* lua = machine.lua();
  if (lua == nullptr)
    return "there is no memory to run it";
  lua_pushcfunction(lua, run_protected);
  lua_pushlightuserdata(lua, &x);
  auto status = lua_pcall(lua, 1, 0, 0);
  if (status == LUA_OK)
    return {};
  if (status == LUA_ERRMEM)
    return x.name + ": used more than " + std::to_string(machine.limits.memory_bytes / 1024) + " KiB of memory";
  size_t size = 0;
  const auto* text = lua_type(lua, -1) == LUA_TSTRING ? lua_tolstring(lua, -1, &size) : nullptr;
  if (text == nullptr)
    return x.name + ": failed without a text";
  auto message = valid_utf8({text, size}, machine.limits.line_bytes);
  return message.rfind(x.name + ':', 0) == 0 ? message : x.name + ": " + message; // the line is lost in a tail call
}

} // namespace

std::string lua_sandbox::compile(const std::string& name, const std::string& text, form how) const {
  lua_machine machine{limits_};
  chunk_run x{name, text, how, nullptr, {}};
  return run_in(machine, x);
}

lua_sandbox::outcome lua_sandbox::run(const std::string& name, const std::string& text, form how,
                                      const std::map<std::string, script_value>& globals) const {
  lua_machine machine{limits_};
  chunk_run x{name, text, how, &globals, {}};
  outcome result;
  result.error = run_in(machine, x);
  result.result = std::move(x.result);
  result.printed = std::move(machine.printed);
  return result;
}

} // namespace overwatch
