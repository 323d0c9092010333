#pragma once

#include <string_view>

namespace overwatch {

/// Runs before every chunk: what can be written in Lua itself, and so is metered like the chunk. Gets `scan`, the
/// bounded pattern matcher: scan(text, pattern, from, anchors) gives begin, end and captures (the whole match when it
/// has none).
inline constexpr std::string_view lua_prelude = R"lua(
local scan = ...
local string, table, math = string, table, math
local find, sub, format = string.find, string.sub, string.format
local pack, unpack, concat = table.pack, table.unpack, table.concat
local type, tostring, tonumber, error, floor = type, tostring, tonumber, error, math.floor

local function text(x, position, name)
  if type(x) == "number" then
    return tostring(x)
  elseif type(x) ~= "string" then
    error(format("bad argument #%d to '%s' (string expected, got %s)", position, name, type(x)), 3)
  end
  return x
end

-- An empty match where the last one ended is none.
local function next_match(s, pattern, from, last, anchors)
  local m = pack(scan(s, pattern, from, anchors))
  if m[1] == last and m[1] and m[2] < m[1] then
    m = pack(scan(s, pattern, from + 1, anchors))
  end
  return m
end

function string.gmatch(s, pattern, init)
  s, pattern = text(s, 1, "gmatch"), text(pattern, 2, "gmatch")
  local from, last = init or 1, nil
  if from < 0 then
    from = from + #s + 1
  end
  if from < 1 then
    from = 1
  end
  return function()
    local m = next_match(s, pattern, from, last, false)
    if not m[1] then
      from = #s + 2
      return nil
    end
    from, last = m[2] + 1, m[2] + 1
    return unpack(m, 3, m.n)
  end
end

local function fill(template, whole, m)
  local out, at = {}, 1
  while true do
    local percent = find(template, "%", at, true)
    if not percent then
      out[#out + 1] = sub(template, at)
      return concat(out)
    end
    out[#out + 1] = sub(template, at, percent - 1)
    local c = sub(template, percent + 1, percent + 1)
    local number = tonumber(c)
    if c == "%" then
      out[#out + 1] = "%"
    elseif c == "0" then
      out[#out + 1] = whole
    elseif not number then
      error("invalid use of '%' in replacement string", 4)
    elseif number > m.n - 2 then
      error("invalid capture index %" .. c .. " in replacement string", 4)
    else
      out[#out + 1] = m[number + 2]
    end
    at = percent + 2
  end
end

local function replacement(how, by, whole, m)
  local x
  if how == "string" then
    x = fill(by, whole, m)
  elseif how == "table" then
    x = by[m[3]]
  else
    x = by(unpack(m, 3, m.n))
  end
  if not x then
    return whole
  elseif type(x) ~= "string" and type(x) ~= "number" then
    error(format("invalid replacement value (a %s)", type(x)), 3)
  end
  return x
end

function string.gsub(s, pattern, by, n)
  s, pattern = text(s, 1, "gsub"), text(pattern, 2, "gsub")
  local how = type(by)
  if how == "number" then
    how, by = "string", tostring(by)
  elseif how ~= "string" and how ~= "table" and how ~= "function" then
    error(format("bad argument #3 to 'gsub' (string/function/table expected, got %s)", how), 2)
  end
  local most = n or math.maxinteger
  if sub(pattern, 1, 1) == "^" and most > 1 then
    most = 1
  end
  local out, count, from, last = {}, 0, 1, nil
  while count < most do
    local m = next_match(s, pattern, from, last, true)
    if not m[1] then
      break
    end
    count = count + 1
    out[#out + 1] = sub(s, last or 1, m[1] - 1)
    out[#out + 1] = replacement(how, by, sub(s, m[1], m[2]), m)
    from, last = m[2] + 1, m[2] + 1
  end
  out[#out + 1] = sub(s, last or 1)
  return concat(out), count
end

-- Days since 1970-01-01 of the first day of a year, in the Gregorian calendar.
local function first_day(year)
  local y = year - 1
  return 365 * (year - 1970) + y // 4 - y // 100 + y // 400 - 477
end

local function is_leap(year)
  return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
end

local month_days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

-- The fields of os.date("!*t", t).
function date(t)
  t = t or now
  if type(t) ~= "number" or t ~= t or t < -62135596800 or t > 253402300799 then
    error("date: expected seconds since 1970, from the years 1 to 9999", 2)
  end
  t = floor(t)
  local days, seconds = t // 86400, t % 86400
  local year = 1970 + floor(days / 365.2425)
  if first_day(year) > days then
    year = year - 1
  elseif first_day(year + 1) <= days then
    year = year + 1
  end
  local left, month = days - first_day(year), 1
  local result = {year = year, yday = left + 1, wday = (days + 4) % 7 + 1, isdst = false,
                  hour = seconds // 3600, min = seconds % 3600 // 60, sec = seconds % 60}
  while true do
    local length = month_days[month]
    if month == 2 and is_leap(year) then
      length = 29
    end
    if left < length then
      break
    end
    left, month = left - length, month + 1
  end
  result.month, result.day = month, left + 1
  return result
end

-- Seconds since 1970 as the API writes times.
function time_text(t)
  local d = date(t)
  return format("%04d-%02d-%02dT%02d:%02d:%02dZ", d.year, d.month, d.day, d.hour, d.min, d.sec)
end
)lua";

} // namespace overwatch
