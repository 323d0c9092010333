#include "runtime/handlers/output_lines.hpp"
#include "runtime/rules/lua_machine.hpp"
#include "runtime/rules/lua_prelude.hpp"
#include "runtime/rules/text_pattern.hpp"

#include <array>
#include <cstring>

/// The functions that a chunk may call. Three of Lua's own ways out of its limits are closed here: work in C that no
/// hook sees (patterns, loops over lengths that a metamethod invents), finalizers (they run with hooks off), and weak
/// tables (one can keep the collector busy for minutes).
namespace overwatch {

namespace {

constexpr uint64_t steps_per_instruction = 4; // a step of the pattern matcher is shorter
constexpr lua_Integer max_moved = 1'000'000;

// -- errors --------------------------------------------------------------------

int guarded_pcall(lua_State* lua) {
  luaL_checkany(lua, 1);
  auto status = lua_pcall(lua, lua_gettop(lua) - 1, LUA_MULTRET, 0);
  lua_machine::of(lua).raise_if_exceeded(lua);
  lua_pushboolean(lua, status == LUA_OK ? 1 : 0);
  lua_insert(lua, 1);
  return lua_gettop(lua);
}

// The handler runs after the error, not inside it: an error of ours is raised in a hook, and there no other hook runs.
int guarded_xpcall(lua_State* lua) {
  auto arguments = lua_gettop(lua) - 2;
  luaL_checktype(lua, 2, LUA_TFUNCTION);
  lua_pushvalue(lua, 1);
  lua_rotate(lua, 3, 1); // function, handler, function, arguments
  auto status = lua_pcall(lua, arguments, LUA_MULTRET, 0);
  lua_machine::of(lua).raise_if_exceeded(lua);
  if (status == LUA_OK) {
    lua_pushboolean(lua, 1);
    lua_replace(lua, 2);
    return lua_gettop(lua) - 1;
  }
  lua_pushvalue(lua, 2);
  lua_insert(lua, -2);
  lua_pcall(lua, 1, 1, 0); // an error of the handler is the result
  lua_machine::of(lua).raise_if_exceeded(lua);
  lua_pushboolean(lua, 0);
  lua_insert(lua, -2);
  return 2;
}

// -- metatables ----------------------------------------------------------------

constexpr std::array<const char*, 26> metamethods{
  "__index", "__newindex", "__call", "__tostring", "__name", "__len",  "__eq",   "__lt",  "__le",
  "__add",   "__sub",      "__mul",  "__div",      "__mod",  "__pow",  "__unm",  "__idiv", "__band",
  "__bor",   "__bxor",     "__shl",  "__shr",      "__bnot", "__concat", "__pairs", "__close"};

// The table gets a copy: what is written into the metatable later (`__gc`, `__mode`) has no effect.
int guarded_setmetatable(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  luaL_argexpected(lua, lua_isnoneornil(lua, 2) || lua_istable(lua, 2), 2, "nil or table");
  lua_settop(lua, 2);
  if (lua_isnil(lua, 2)) {
    lua_setmetatable(lua, 1);
    return 1;
  }
  for (const auto* refused : {"__gc", "__mode"}) {
    lua_pushstring(lua, refused);
    if (lua_rawget(lua, 2) != LUA_TNIL)
      raise(lua, std::string{refused} + " is not available here");
    lua_pop(lua, 1);
  }
  lua_newtable(lua);
  for (const auto* name : metamethods) {
    lua_pushstring(lua, name);
    lua_pushvalue(lua, -1);
    lua_rawget(lua, 2);
    lua_rawset(lua, 3);
  }
  lua_pushvalue(lua, 2);
  lua_setfield(lua, 3, "__metatable"); // what getmetatable answers
  lua_setmetatable(lua, 1);
  lua_settop(lua, 1);
  return 1;
}

// -- text ----------------------------------------------------------------------

std::string_view text_at(lua_State* lua, int index) {
  size_t size = 0;
  const auto* text = luaL_checklstring(lua, index, &size);
  return {text, size};
}

// Where a search begins, from 0; beyond the end: nowhere.
size_t start_of(lua_Integer init, size_t size) {
  if (init > 0)
    return static_cast<size_t>(init) - 1;
  if (init == 0 || -init > static_cast<lua_Integer>(size))
    return 0;
  return size - static_cast<size_t>(-init);
}

pattern_match search(lua_State* lua, size_t from, bool anchors) {
  auto& machine = lua_machine::of(lua);
  auto found = find_pattern(text_at(lua, 1), text_at(lua, 2), from, anchors,
                            (machine.instructions_left() + 1) * steps_per_instruction);
  if (found.how == pattern_match::status::malformed)
    raise(lua, found.fault);
  auto costs = found.steps / steps_per_instruction + 1;
  machine.charge(lua, found.how == pattern_match::status::too_costly ? machine.limits.instructions + 1 : costs);
  return found;
}

void push_part(lua_State* lua, size_t begin, size_t size) {
  auto text = text_at(lua, 1).substr(begin, size);
  lua_pushlstring(lua, text.data(), text.size());
}

int push_captures(lua_State* lua, const pattern_match& found, bool whole_if_none) {
  if (found.captures.empty() && whole_if_none) {
    push_part(lua, found.begin, found.end - found.begin);
    return 1;
  }
  luaL_checkstack(lua, static_cast<int>(found.captures.size()), "too many captures");
  for (const auto& x : found.captures) {
    if (x.position)
      lua_pushinteger(lua, static_cast<lua_Integer>(x.begin + 1));
    else
      push_part(lua, x.begin, x.size);
  }
  return static_cast<int>(found.captures.size());
}

int push_place(lua_State* lua, const pattern_match& found, bool whole_if_none) {
  lua_pushinteger(lua, static_cast<lua_Integer>(found.begin + 1));
  lua_pushinteger(lua, static_cast<lua_Integer>(found.end));
  return 2 + push_captures(lua, found, whole_if_none);
}

int push_nothing(lua_State* lua) {
  lua_pushnil(lua);
  return 1;
}

int find_plain(lua_State* lua, size_t from) {
  auto text = text_at(lua, 1);
  auto part = text_at(lua, 2);
  const auto* begin = text.data() + from;
  const auto* found = static_cast<const char*>(::memmem(begin, text.size() - from, part.data(), part.size()));
  if (found == nullptr)
    return push_nothing(lua);
  auto place = static_cast<lua_Integer>(found - text.data()) + 1;
  lua_pushinteger(lua, place);
  lua_pushinteger(lua, place + static_cast<lua_Integer>(part.size()) - 1);
  return 2;
}

int guarded_find(lua_State* lua) {
  auto size = text_at(lua, 1).size();
  text_at(lua, 2);
  auto from = start_of(luaL_optinteger(lua, 3, 1), size);
  if (from > size)
    return push_nothing(lua);
  if (lua_toboolean(lua, 4) != 0)
    return find_plain(lua, from);
  auto found = search(lua, from, true);
  return found.how == pattern_match::status::found ? push_place(lua, found, false) : push_nothing(lua);
}

int guarded_match(lua_State* lua) {
  auto size = text_at(lua, 1).size();
  text_at(lua, 2);
  auto from = start_of(luaL_optinteger(lua, 3, 1), size);
  if (from > size)
    return push_nothing(lua);
  auto found = search(lua, from, true);
  return found.how == pattern_match::status::found ? push_captures(lua, found, true) : push_nothing(lua);
}

int scan(lua_State* lua) {
  auto from = start_of(luaL_checkinteger(lua, 3), text_at(lua, 1).size());
  if (from > text_at(lua, 1).size())
    return push_nothing(lua);
  auto found = search(lua, from, lua_toboolean(lua, 4) != 0);
  return found.how == pattern_match::status::found ? push_place(lua, found, true) : push_nothing(lua);
}

// Lua's own repeats nothing a billion times.
int guarded_rep(lua_State* lua) {
  auto own = lua_tocfunction(lua, lua_upvalueindex(1));
  auto size = text_at(lua, 1).size();
  size += lua_isnoneornil(lua, 3) ? 0 : text_at(lua, 3).size();
  if (size == 0) {
    lua_pushliteral(lua, "");
    return 1;
  }
  return own(lua);
}

// -- tables --------------------------------------------------------------------

// Lua's own function for tables that are what they seem: their length is no invention of a metamethod.
int guarded_table_function(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  for (int i : {1, 5}) // the fifth of `move` is its target
    for (const auto* name : {"__len", "__index", "__newindex"})
      if (lua_istable(lua, i) && luaL_getmetafield(lua, i, name) != LUA_TNIL)
        raise(lua, std::string{"a table with "} + name + " cannot be used here");
  return lua_tocfunction(lua, lua_upvalueindex(1))(lua);
}

int guarded_move(lua_State* lua) {
  auto first = luaL_checkinteger(lua, 2);
  auto last = luaL_checkinteger(lua, 3);
  if (last >= first && static_cast<lua_Unsigned>(last) - static_cast<lua_Unsigned>(first) >= max_moved)
    raise(lua, "too many elements to move");
  return guarded_table_function(lua);
}

int mark_array(lua_State* lua) {
  lua_settop(lua, 1);
  if (lua_isnil(lua, 1)) {
    lua_newtable(lua);
    lua_replace(lua, 1);
  }
  luaL_checktype(lua, 1, LUA_TTABLE);
  luaL_getmetatable(lua, "array");
  lua_setmetatable(lua, 1);
  return 1;
}

// -- output --------------------------------------------------------------------

int collect_print(lua_State* lua) {
  auto& machine = lua_machine::of(lua);
  std::string line;
  for (int i = 1, count = lua_gettop(lua); i <= count; ++i) {
    size_t size = 0;
    const auto* text = luaL_tolstring(lua, i, &size);
    line += i > 1 ? "\t" : "";
    line.append(text, std::min(size, machine.limits.line_bytes));
    lua_pop(lua, 1);
  }
  line = valid_utf8(line, machine.limits.line_bytes);
  machine.printed_bytes += line.size();
  if (machine.printed.size() < machine.limits.printed_lines && machine.printed_bytes <= machine.limits.printed_bytes)
    machine.printed.push_back(std::move(line));
  else if (machine.printed.size() <= machine.limits.printed_lines && machine.printed.back() != "...")
    machine.printed.emplace_back("...");
  return 0;
}

// -- what there is ---------------------------------------------------------------

void remove_fields(lua_State* lua, int table, std::initializer_list<const char*> names) {
  for (const auto* name : names) {
    lua_pushnil(lua);
    lua_setfield(lua, table, name);
  }
}

// Puts `wrapper` in the place of a function, which it gets as its upvalue.
void wrap(lua_State* lua, int table, const char* name, lua_CFunction wrapper) {
  lua_getfield(lua, table, name);
  lua_pushcclosure(lua, wrapper, 1);
  lua_setfield(lua, table, name);
}

void open_library(lua_State* lua, const char* name, lua_CFunction open) {
  luaL_requiref(lua, name, open, 1); // leaves the library on the stack
}

void open_basics(lua_State* lua) {
  open_library(lua, LUA_GNAME, luaopen_base);
  auto table = lua_gettop(lua);
  remove_fields(lua, table, {"collectgarbage", "dofile", "load", "loadfile", "warn"});
  constexpr std::array<luaL_Reg, 6> own{{{"pcall", guarded_pcall},
                                         {"xpcall", guarded_xpcall},
                                         {"setmetatable", guarded_setmetatable},
                                         {"print", collect_print},
                                         {"array", mark_array},
                                         {nullptr, nullptr}}};
  luaL_setfuncs(lua, own.data(), 0);
  lua_pushlightuserdata(lua, nullptr);
  lua_setfield(lua, table, "null");
  lua_pop(lua, 1);
}

void open_string(lua_State* lua) {
  open_library(lua, LUA_STRLIBNAME, luaopen_string);
  auto table = lua_gettop(lua);
  remove_fields(lua, table, {"dump", "pack", "unpack", "packsize"});
  constexpr std::array<luaL_Reg, 3> own{{{"find", guarded_find}, {"match", guarded_match}, {nullptr, nullptr}}};
  luaL_setfuncs(lua, own.data(), 0);
  wrap(lua, table, "rep", guarded_rep);
  lua_pushliteral(lua, "");
  lua_getmetatable(lua, -1);
  lua_pushboolean(lua, 0);
  lua_setfield(lua, -2, "__metatable"); // all texts share it
  lua_pop(lua, 3);
}

void open_table(lua_State* lua) {
  open_library(lua, LUA_TABLIBNAME, luaopen_table);
  auto table = lua_gettop(lua);
  for (const auto* name : {"insert", "remove", "concat", "unpack", "sort"})
    wrap(lua, table, name, guarded_table_function);
  wrap(lua, table, "move", guarded_move);
  lua_pop(lua, 1);
}

} // namespace

void open_functions(lua_State* lua) {
  open_basics(lua);
  open_string(lua);
  open_table(lua);
  open_library(lua, LUA_MATHLIBNAME, luaopen_math);
  open_library(lua, LUA_UTF8LIBNAME, luaopen_utf8);
  lua_pop(lua, 2);
  luaL_newmetatable(lua, "array");
  lua_pushboolean(lua, 0);
  lua_setfield(lua, -2, "__metatable");
  lua_pop(lua, 1);
  if (luaL_loadbufferx(lua, lua_prelude.data(), lua_prelude.size(), "=?", "t") != LUA_OK)
    lua_error(lua);
  lua_pushcfunction(lua, scan);
  lua_call(lua, 1, 0);
}

} // namespace overwatch
