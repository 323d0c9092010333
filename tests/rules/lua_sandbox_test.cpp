#include "runtime/rules/lua_sandbox.hpp"

#include <gmock/gmock.h>

#include <fstream>

namespace overwatch::test {

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;
using form = lua_sandbox::form;

lua_sandbox::outcome run(const std::string& text, form how = form::chunk, sandbox_limits limits = {}) {
  std::map<std::string, script_value> globals{{"now", int64_t{1'795'000'000}}};
  return lua_sandbox{limits}.run("make", text, how, globals);
}

// The result as JSON, or the error.
std::string value_of(const std::string& text, form how = form::chunk) {
  auto x = run(text, how);
  std::string out;
  if (x.error.empty())
    x.error = append_json(out, x.result);
  return x.error.empty() ? out : x.error;
}

// A slow machine must not end by time what is to end by instructions.
sandbox_limits without_haste() {
  sandbox_limits limits;
  limits.time = std::chrono::minutes{1};
  return limits;
}

std::string error_of(const std::string& text, sandbox_limits limits = without_haste()) {
  return run(text, form::chunk, limits).error;
}

} // namespace

TEST(LuaSandboxTest, ChunkReturnsAValue) {
  EXPECT_EQ(value_of("local x = {a = 1, b = {1, 2.5, 'three', true}} return x"), R"({"a":1,"b":[1,2.5,"three",true]})");
  EXPECT_EQ(value_of(""), "null");
}

TEST(LuaSandboxTest, ExpressionNeedsNoReturn) {
  EXPECT_EQ(value_of("now > 5 and 'late' -- a remark", form::expression), R"("late")");
  EXPECT_EQ(value_of("if now > 5 then return 'late' end", form::expression), R"("late")");
}

TEST(LuaSandboxTest, ErrorsHaveNameAndLine) {
  EXPECT_EQ(error_of("local x = nil\nreturn x.y"), "make:2: attempt to index a nil value (local 'x')");
  EXPECT_EQ(error_of("\n\nerror('no')"), "make:3: no");
  EXPECT_EQ(error_of("\nerror({code = 5})"), "make:2: a table was thrown, which has no text");
  EXPECT_EQ(error_of("error(nil)"), "make:1: a nil was thrown, which has no text");
  EXPECT_EQ(error_of("error(42, 0)"), "make:1: 42");
  EXPECT_THAT(error_of("return ("), StartsWith("make:1: "));
  EXPECT_EQ(error_of("local s = 'x'\nreturn (s:gsub('(', ''))"), "make:2: unfinished capture");
  EXPECT_EQ(error_of("\nreturn ('x'):rep(-1):gsub('x', '%2'), ('x'):gsub('x', '%2')"),
            "make:2: invalid capture index %2 in replacement string");
}

TEST(LuaSandboxTest, CompileNamesTheLine) {
  lua_sandbox sandbox;
  EXPECT_EQ(sandbox.compile("condition", "now > 5", form::expression), "");
  EXPECT_EQ(sandbox.compile("condition", "if true then return 1 end", form::expression), "");
  EXPECT_THAT(sandbox.compile("condition", "now >", form::expression), StartsWith("condition:1: "));
  EXPECT_THAT(sandbox.compile("make", "return {\n1,\n2", form::chunk), StartsWith("make:3: "));
  EXPECT_EQ(sandbox.compile("make", "while true do end", form::chunk), "") << "it is not run";
}

TEST(LuaSandboxTest, ByteCodeIsRefused) {
  EXPECT_THAT(error_of("\x1BLua\x54"), HasSubstr("attempt to load a binary chunk"));
}

// -- limits --------------------------------------------------------------------

TEST(LuaSandboxTest, EndlessLoopsEnd) {
  EXPECT_EQ(error_of("\nwhile true do end"), "make:2: used more than 1000000 instructions");
  EXPECT_THAT(error_of("while true do pcall(function() while true do end end) end"), HasSubstr("instructions"));
  EXPECT_THAT(error_of("while true do pcall(error) end"), HasSubstr("instructions"));
  EXPECT_THAT(error_of("while true do xpcall(error, function() while true do end end) end"), HasSubstr("instructions"));
  EXPECT_THAT(error_of("local function f() return pcall(f) end while true do f() end"), HasSubstr("instructions"));
  EXPECT_THAT(error_of("local function f() return f() end f()"), HasSubstr("instructions"));
  EXPECT_THAT(error_of("for k in function() return 1 end do end"), HasSubstr("instructions"));
  EXPECT_THAT(error_of("::again:: goto again"), HasSubstr("instructions"));
}

TEST(LuaSandboxTest, LimitIsNotEscapedWhileItsErrorTravels) {
  EXPECT_THAT(error_of("local x <close> = setmetatable({}, {__close = function() while true do end end}) "
                       "while true do end"),
              HasSubstr("instructions"));
  EXPECT_THAT(error_of("local t = setmetatable({}, {__close = function() while true do pcall(print) end end}) "
                       "local function f() local x <close> = t; f() end f()"),
              ::testing::AnyOf(HasSubstr("instructions"), HasSubstr("overflow"), HasSubstr("memory")));
}

TEST(LuaSandboxTest, TimeIsLimited) {
  sandbox_limits limits;
  limits.instructions = ~0ULL;
  limits.time = milliseconds{20};
  EXPECT_EQ(error_of("\n\nwhile true do end", limits), "make:3: ran longer than 20 ms");
}

TEST(LuaSandboxTest, MemoryIsLimited) {
  EXPECT_EQ(error_of("local t = {} for i = 1, 1e9 do t[i] = {} end"), "make: used more than 8192 KiB of memory");
  EXPECT_THAT(error_of("return ('x'):rep(1e9)"), HasSubstr("memory"));
  EXPECT_THAT(error_of("local s = 'x' while true do s = s .. s end"), HasSubstr("memory"));
  EXPECT_THAT(error_of("return ('%99d'):rep(1e6):format(1)"),
              ::testing::AnyOf(HasSubstr("memory"), HasSubstr("argument")));
  EXPECT_THAT(error_of("return table.concat({('x'):rep(5e6), ('y'):rep(5e6)})"), HasSubstr("memory"));
  EXPECT_THAT(error_of("return ('x'):rep(1e6):gsub('x', ('y'):rep(100))"),
              ::testing::AnyOf(HasSubstr("memory"), HasSubstr("instructions")));
  EXPECT_THAT(error_of("while true do pcall(string.rep, 'x', 1e9) end"), // the collector tries its best each time
              ::testing::AnyOf(HasSubstr("memory"), HasSubstr("instructions"), HasSubstr("longer")));
}

TEST(LuaSandboxTest, MemoryThatWasFreedCountsNot) {
  EXPECT_EQ(value_of("for i = 1, 20 do local s = ('x'):rep(1e6) end return 1"), "1");
}

TEST(LuaSandboxTest, DeepRecursionEnds) {
  EXPECT_THAT(error_of("local function f(x) return 1 + f(x) end return f(1)"),
              ::testing::AnyOf(HasSubstr("overflow"), HasSubstr("memory")));
  EXPECT_THAT(error_of("local t = setmetatable({}, {}) local m = {} m.__index = function(t, k) return t[k] end "
                       "setmetatable(t, m) return t.x"),
              HasSubstr("overflow"));
  EXPECT_THAT(error_of("local function f() return ('x'):gsub('x', f) end return f()"),
              ::testing::AnyOf(HasSubstr("instructions"), HasSubstr("memory")));
  EXPECT_THAT(error_of("return " + std::string(1'000, '(') + "1" + std::string(1'000, ')')), HasSubstr("overflow"));
}

TEST(LuaSandboxTest, PatternsCannotRunOn) {
  EXPECT_THAT(error_of("return ('a'):rep(1e6):find(('a*'):rep(30) .. 'b')"), HasSubstr("instructions"));
  EXPECT_THAT(error_of("return ('a'):rep(1e3):match(('a-'):rep(30) .. 'b')"), HasSubstr("instructions"));
  EXPECT_THAT(error_of("return ('a'):rep(1e3):gsub(('a?'):rep(60) .. ('a*'):rep(20) .. 'b', '')"),
              HasSubstr("instructions"));
  EXPECT_THAT(error_of("for x in ('a'):rep(1e3):gmatch(('a*'):rep(20) .. 'b') do end"), HasSubstr("instructions"));
  EXPECT_EQ(value_of("return ('a'):rep(1e6):find('b', 1, true)"), "null");
  EXPECT_THAT(error_of("while true do pcall(string.find, ('a'):rep(1e3), ('a*'):rep(30) .. 'b') end"),
              HasSubstr("instructions"));
}

TEST(LuaSandboxTest, LoopsInsideFunctionsOfCEnd) {
  EXPECT_EQ(value_of("return (''):rep(1 << 62)"), R"("")");
  EXPECT_EQ(value_of("return (''):rep(1 << 62, '')"), R"("")");
  EXPECT_THAT(error_of("table.move({}, 1, 1 << 62, 2)"), HasSubstr("too many elements"));
  auto huge = std::string{"local t = setmetatable({}, {__len = function() return 1 << 62 end}) "};
  for (const auto* call : {"table.insert(t, 1, 1)", "table.remove(t, 1)", "table.sort(t)", "table.unpack(t)"})
    EXPECT_THAT(error_of(huge + call), HasSubstr("a table with __len cannot be used here")) << call;
  EXPECT_THAT(error_of("table.concat(setmetatable({}, {__index = table.concat}), '', 1, 1 << 62)"),
              HasSubstr("a table with __index cannot be used here"));
  EXPECT_THAT(error_of("local m = {} local t = setmetatable({}, m) m.__len = function() return 1 << 62 end "
                       "table.insert(t, 1, 1) error(#t)"),
              HasSubstr("1")) << "a metatable is copied when it is set";
  EXPECT_THAT(error_of("local t = {} for i = 1, 2e4 do t[i] = i end while true do table.sort(t, function(a, b) "
                       "return a < b end) end"),
              HasSubstr("instructions"));
}

TEST(LuaSandboxTest, FinalizersAndWeakTablesAreRefused) {
  EXPECT_EQ(error_of("setmetatable({}, {__gc = function() while true do end end})"),
            "make:1: __gc is not available here");
  EXPECT_EQ(error_of("setmetatable({}, {__mode = 'k'})"), "make:1: __mode is not available here");
  EXPECT_EQ(value_of("local m = {__index = {a = 1}} local t = setmetatable({}, m) "
                     "m.__gc = function() while true do end end "
                     "getmetatable(t).__gc = m.__gc return t.a"),
            "1");
}

// -- what is not there ---------------------------------------------------------

TEST(LuaSandboxTest, NothingLeadsOut) {
  for (const auto* name : {"io", "os", "package", "debug", "load", "loadfile", "loadstring", "dofile", "require",
                           "collectgarbage", "coroutine", "warn", "string.dump", "string.pack", "scan", "arg"})
    EXPECT_EQ(value_of("return " + std::string{name} + " == nil"), "true") << name;
  EXPECT_EQ(value_of("return getmetatable('')"), "false");
  EXPECT_EQ(value_of("return getmetatable(array{})"), "false");
}

TEST(LuaSandboxTest, NothingIsKeptBetweenRuns) {
  lua_sandbox sandbox;
  auto first = sandbox.run("make", "secret = 1 string.upper = nil math.pi = 3 _G.print = nil return 1",
                           form::chunk, {});
  EXPECT_EQ(first.error, "");
  auto second = sandbox.run("make", "return secret == nil and ('a'):upper() == 'A' and math.pi > 3 and print ~= nil",
                            form::chunk, {});
  EXPECT_EQ(second.error, "");
  EXPECT_TRUE(second.result.boolean);
}

TEST(LuaSandboxTest, DamagedGlobalsHarmOnlyTheChunk) {
  EXPECT_THAT(error_of("_G.error = nil _G.type = nil string.sub = nil error('x')"), HasSubstr("make:1"));
  EXPECT_EQ(value_of("local all = _G for k in next, all do all[k] = nil end return 7"), "7");
  EXPECT_EQ(value_of("string.format = nil table.concat = nil type = nil return (('a b'):gsub('%a', 'x'))"), R"("x x")");
}

// -- values --------------------------------------------------------------------

TEST(LuaSandboxTest, InputsAreTables) {
  auto metrics = script_value::make(script_value::kind::object);
  metrics.fields = {{"cpu_percent", 12.5}, {"list", script_value::make(script_value::kind::list)}};
  auto x = lua_sandbox{}.run("condition", "metrics.cpu_percent == 12.5 and #metrics.list == 0 and event == nil",
                             form::expression, {{"metrics", metrics}, {"event", {}}});
  EXPECT_EQ(x.error, "");
  EXPECT_TRUE(x.result.boolean);
}

TEST(LuaSandboxTest, ResultsThatCannotBeStoredAreRefusedWithTheirPlace) {
  EXPECT_EQ(error_of("local t = {payload = {}} t.payload.me = t return t"),
            "make: /payload/me: the table contains itself");
  EXPECT_EQ(error_of("return {payload = {1, 2, x = 3}}"),
            "make: /payload: the table has positions and other keys; it must be a list or an object");
  EXPECT_EQ(error_of("return {1, nil, 3}"), "make: the list has holes; write null where a place is empty");
  EXPECT_EQ(error_of("return {a = {0/0}}"), "make: /a/0: the number is not finite");
  EXPECT_EQ(error_of("return {a = math.huge}"), "make: /a: the number is not finite");
  EXPECT_EQ(error_of("return {f = print}"), "make: /f: a function cannot be part of a task");
  EXPECT_THAT(error_of("return {[true] = 1}"), HasSubstr("a key is a boolean"));
  EXPECT_THAT(error_of("local t = {} for i = 1, 100 do t = {t} end return t"), HasSubstr("nested more than 64 deep"));
  EXPECT_THAT(error_of("local t = {} for i = 1, 60 do t = {t, t} end return t"), HasSubstr("more than 100000 values"));
  EXPECT_THAT(error_of("local s, t = ('x'):rep(1e6), {} for i = 1, 10 do t[i] = s end return t"),
              HasSubstr("bytes of text"));
}

TEST(LuaSandboxTest, MetamethodsDoNotRunWhenTheResultIsRead) {
  EXPECT_EQ(value_of("return setmetatable({a = 1}, {__index = error, __len = error, __pairs = error})"), R"({"a":1})");
}

TEST(LuaSandboxTest, NullAndArrayCanBeWritten) {
  EXPECT_EQ(value_of("return {a = null, b = array{}, c = {}, d = array{1, null}, e = {null, 2}, f = array()}"),
            R"({"a":null,"b":[],"c":{},"d":[1,null],"e":[null,2],"f":[]})");
}

// -- functions -----------------------------------------------------------------

TEST(LuaSandboxTest, StringFunctionsAreThoseOfLua) {
  EXPECT_EQ(value_of("return {('hello world'):find('wor')}"), "[7,9]");
  EXPECT_EQ(value_of("return {('a.b'):find('.', 2, true)}"), "[2,2]");
  EXPECT_EQ(value_of("return {('hello'):find('l', -2)}"), "[4,4]");
  EXPECT_EQ(value_of("return {('hello'):find('')}"), "[1,0]");
  EXPECT_EQ(value_of("return ('hello'):find('x', 99) == nil"), "true");
  EXPECT_EQ(value_of("return {('k=v'):match('(%w)=(%w)')}"), R"(["k","v"])");
  EXPECT_EQ(value_of("return {('hello world'):gsub('o', '0')}"), R"(["hell0 w0rld",2])");
  EXPECT_EQ(value_of("return {('hello'):gsub('', '-')}"), R"(["-h-e-l-l-o-",6])");
  EXPECT_EQ(value_of("return {('abc def'):gsub('%w+', '<%0>', 1)}"), R"(["<abc> def",1])");
  EXPECT_EQ(value_of("return {('abc'):gsub('(a)(b)', '%2%1%%')}"), R"(["ba%c",1])");
  EXPECT_EQ(value_of("return {('$name!'):gsub('%$(%w+)', {name = 'x'})}"), R"(["x!",1])");
  EXPECT_EQ(value_of("return {('aXb'):gsub('%u', function(c) return c:lower() .. 1 end)}"), R"(["ax1b",1])");
  EXPECT_EQ(value_of("return {('abc'):gsub('%w', function() end)}"), R"(["abc",3])");
  EXPECT_EQ(value_of("return {('aaa'):gsub('^a', 'b')}"), R"(["baa",1])");
  EXPECT_EQ(value_of("return {('abc'):gsub('b*', '-')}"), R"(["-a-c-",3])");
  EXPECT_EQ(value_of("local t = {} for k, v in ('a=1, b=2'):gmatch('(%w)=(%w)') do t[k] = v end return t"),
            R"({"a":"1","b":"2"})");
  EXPECT_EQ(value_of("local t = {} for w in ('one two'):gmatch('%a*') do t[#t + 1] = w end return t"),
            R"(["one","two"])");
  EXPECT_EQ(value_of("local t = {} for p in ('abc'):gmatch('()') do t[#t + 1] = p end return t"), "[1,2,3,4]");
  EXPECT_EQ(value_of("return {('ab'):rep(3, '-'), ('%05.1f|%s'):format(3.14159, 'x'), ('x'):rep(0)}"),
            R"(["ab-ab-ab","003.1|x",""])");
}

TEST(LuaSandboxTest, TableFunctionsAreThoseOfLua) {
  EXPECT_EQ(value_of("local t = {3, 1} table.insert(t, setmetatable({}, {__index = {}})) table.remove(t) "
                     "table.insert(t, 1, 2) table.sort(t) return {table.concat(t, ','), table.unpack(t)}"),
            R"(["1,2,3",1,2,3])");
  EXPECT_EQ(value_of("return table.move({1, 2, 3}, 2, 3, 1)"), "[2,3,3]");
  EXPECT_EQ(value_of("return {pcall(error, 'x', 0)}"), R"([false,"x"])");
  EXPECT_EQ(value_of("return {pcall(function(...) return ... end, 1, 2)}"), "[true,1,2]");
  EXPECT_EQ(value_of("return {xpcall(function(...) return ... end, print, 1, 2)}"), "[true,1,2]");
  EXPECT_EQ(value_of("return {xpcall(error, function(m) return m .. '!' end, 'x', 0)}"), R"([false,"x!"])");
}

TEST(LuaSandboxTest, ClassesWork) {
  EXPECT_EQ(value_of("local C = {} C.__index = C function C.new(x) return setmetatable({x = x}, C) end "
                     "function C:twice() return 2 * self.x end C.__add = function(a, b) return C.new(a.x + b.x) end "
                     "return {(C.new(1) + C.new(2)):twice(), getmetatable(C.new(1)) == C}"),
            "[6,true]");
}

TEST(LuaSandboxTest, DatesAreInUtc) {
  EXPECT_EQ(value_of("return date(0)"),
            R"({"day":1,"hour":0,"isdst":false,"min":0,"month":1,"sec":0,"wday":5,"yday":1,"year":1970})");
  EXPECT_EQ(value_of("return time_text(951782399)"), R"("2000-02-28T23:59:59Z")");
  EXPECT_EQ(value_of("return time_text(951782400)"), R"("2000-02-29T00:00:00Z")");
  EXPECT_EQ(value_of("return time_text(-1)"), R"("1969-12-31T23:59:59Z")");
  EXPECT_EQ(value_of("return time_text(4107542399)"), R"("2100-02-28T23:59:59Z")");
  EXPECT_EQ(value_of("return time_text(4107542400)"), R"("2100-03-01T00:00:00Z")");
  EXPECT_EQ(value_of("return time_text(253402300799)"), R"("9999-12-31T23:59:59Z")");
  EXPECT_EQ(value_of("return date().year"), "2026");
  EXPECT_THAT(error_of("return date(1e300)"), HasSubstr("expected seconds since 1970"));
}

TEST(LuaSandboxTest, PrintIsCollectedWithinBounds) {
  auto x = run("print('a', 1, nil) print(('b'):rep(5000)) print('\\255')");
  ASSERT_THAT(x.printed, SizeIs(3));
  EXPECT_EQ(x.printed[0], "a\t1\tnil");
  EXPECT_THAT(x.printed[1], SizeIs(sandbox_limits{}.line_bytes));
  EXPECT_EQ(x.printed[2], "\xEF\xBF\xBD");
  x = run("for i = 1, 1000 do print(i) end");
  EXPECT_THAT(x.printed, SizeIs(101));
  EXPECT_EQ(x.printed.back(), "...");
  x = run("for i = 1, 50 do print(('x'):rep(1000)) end");
  EXPECT_THAT(x.printed, SizeIs(::testing::Le(18u)));
  x = run("print('before') error('x')");
  EXPECT_THAT(x.printed, ElementsAre("before")) << "also of a chunk that fails";
}

TEST(LuaSandboxTest, ErrorsAreShortAndClean) {
  EXPECT_LE(error_of("error(('\\255'):rep(1e6))").size(), 3 * sandbox_limits{}.line_bytes);
}

} // namespace overwatch::test
