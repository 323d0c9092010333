#pragma once

#include "actors/rule_judge.hpp"
#include "runtime/rules/lua_sandbox.hpp"

#include <memory>

namespace overwatch {

/// Judges rules whose chunks are Lua.
std::shared_ptr<rule_judge> make_lua_judge(sandbox_limits limits = {});

} // namespace overwatch
