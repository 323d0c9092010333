#include "runtime/rules/lua_machine.hpp"

#include <algorithm>
#include <cmath>

namespace overwatch {

namespace {

constexpr size_t max_depth = 64;
constexpr int stack_per_level = 4;

using kind = script_value::kind;

// Reads one value with all that is in it, raw: no metamethod runs.
class reader {
public:
  reader(lua_State* lua, const std::string& name) : lua_{lua}, name_{name}, limits_{lua_machine::of(lua).limits} {}

  script_value read(int index) {
    if (++values_ > limits_.result_values)
      refuse("the result has more than " + std::to_string(limits_.result_values) + " values");
    switch (lua_type(lua_, index)) {
      case LUA_TNONE:
      case LUA_TNIL:
        return {};
      case LUA_TLIGHTUSERDATA: // `null`, the only one there is
        return {};
      case LUA_TBOOLEAN:
        return script_value{lua_toboolean(lua_, index) != 0};
      case LUA_TNUMBER:
        return read_number(index);
      case LUA_TSTRING:
        return script_value{read_text(index)};
      case LUA_TTABLE:
        return read_table(index);
      default:
        refuse(std::string{"a "} + luaL_typename(lua_, index) + " cannot be part of a task");
    }
  }

private:
  [[noreturn]] void refuse(const std::string& what) {
    auto text = name_ + ": ";
    for (const auto& part : path_)
      text += '/' + part;
    raise(lua_, text + (path_.empty() ? "" : ": ") + what);
  }

  script_value read_number(int index) {
    if (lua_isinteger(lua_, index) != 0)
      return script_value{static_cast<int64_t>(lua_tointeger(lua_, index))};
    auto number = lua_tonumber(lua_, index);
    if (!std::isfinite(number))
      refuse("the number is not finite");
    return script_value{number};
  }

  std::string read_text(int index) {
    size_t size = 0;
    const auto* text = lua_tolstring(lua_, index, &size);
    bytes_ += size;
    if (bytes_ > limits_.result_bytes)
      refuse("the result has more than " + std::to_string(limits_.result_bytes) + " bytes of text");
    return {text, size};
  }

  script_value read_table(int index) {
    const auto* identity = lua_topointer(lua_, index);
    if (std::find(open_.begin(), open_.end(), identity) != open_.end())
      refuse("the table contains itself");
    if (open_.size() >= max_depth)
      refuse("tables are nested more than " + std::to_string(max_depth) + " deep");
    luaL_checkstack(lua_, stack_per_level, "the result is nested too deep");
    open_.push_back(identity);
    auto size = lua_rawlen(lua_, index);
    auto result = size > 0 || is_array(index) ? read_list(index, size) : read_object(index);
    open_.pop_back();
    return result;
  }

  bool is_array(int index) {
    if (lua_getmetatable(lua_, index) == 0)
      return false;
    luaL_getmetatable(lua_, "array");
    auto same = lua_rawequal(lua_, -1, -2) != 0;
    lua_pop(lua_, 2);
    return same;
  }

  script_value read_list(int index, size_t size) {
    size_t keys = 0;
    for (lua_pushnil(lua_); lua_next(lua_, index) != 0; lua_pop(lua_, 1)) {
      ++keys;
      if (lua_isinteger(lua_, -2) == 0)
        refuse("the table has positions and other keys; it must be a list or an object");
    }
    if (keys != size)
      refuse("the list has holes; write null where a place is empty");
    auto result = script_value::make(kind::list);
    for (size_t i = 1; i <= size; ++i) {
      lua_rawgeti(lua_, index, static_cast<lua_Integer>(i));
      if (lua_isnil(lua_, -1))
        refuse("the list has holes; write null where a place is empty");
      path_.push_back(std::to_string(i - 1));
      result.items.push_back(read(lua_gettop(lua_)));
      path_.pop_back();
      lua_pop(lua_, 1);
    }
    return result;
  }

  script_value read_object(int index) {
    auto result = script_value::make(kind::object);
    for (lua_pushnil(lua_); lua_next(lua_, index) != 0; lua_pop(lua_, 1)) {
      if (lua_type(lua_, -2) != LUA_TSTRING)
        refuse(std::string{"a key is a "} + luaL_typename(lua_, -2)
               + "; it must be text, or a list's positions from 1");
      auto key = read_text(lua_gettop(lua_) - 1);
      path_.push_back(key);
      result.fields[std::move(key)] = read(lua_gettop(lua_));
      path_.pop_back();
    }
    return result;
  }

  lua_State* lua_;
  const std::string& name_;
  const sandbox_limits& limits_;
  size_t values_ = 0;
  size_t bytes_ = 0;
  std::vector<std::string> path_;
  std::vector<const void*> open_; ///< tables on the way here
};

} // namespace

void push_value(lua_State* lua, const script_value& x) {
  luaL_checkstack(lua, stack_per_level, "the inputs are nested too deep");
  switch (x.is) {
    case kind::null: lua_pushnil(lua); break;
    case kind::boolean: lua_pushboolean(lua, x.boolean ? 1 : 0); break;
    case kind::integer: lua_pushinteger(lua, x.integer); break;
    case kind::number: lua_pushnumber(lua, x.number); break;
    case kind::text: lua_pushlstring(lua, x.text.data(), x.text.size()); break;
    case kind::list:
      lua_newtable(lua);
      for (size_t i = 0; i < x.items.size(); ++i) {
        push_value(lua, x.items[i]);
        lua_rawseti(lua, -2, static_cast<lua_Integer>(i + 1));
      }
      break;
    case kind::object:
      lua_newtable(lua);
      for (const auto& [key, value] : x.fields) {
        lua_pushlstring(lua, key.data(), key.size());
        push_value(lua, value);
        lua_rawset(lua, -3);
      }
      break;
  }
}

script_value read_value(lua_State* lua, int index, const std::string& name) {
  return reader{lua, name}.read(index);
}

} // namespace overwatch
