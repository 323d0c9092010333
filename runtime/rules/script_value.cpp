#include "runtime/rules/script_value.hpp"

#include "runtime/handlers/output_lines.hpp"

#include <charconv>

namespace overwatch {

namespace {

using kind = script_value::kind;

void append_text(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\\u00";
      out += digits[byte >> 4];
      out += digits[byte & 0xF];
    } else {
      out += c;
    }
  }
  out += '"';
}

// The shortest text that reads back as the same number; it shows that it is no integer.
void append_number(std::string& out, double x) {
  char buffer[32];
  auto end = std::to_chars(buffer, buffer + sizeof(buffer), x).ptr;
  std::string_view text{buffer, static_cast<size_t>(end - buffer)};
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos)
    out += ".0";
}

bool is_utf8(const std::string& text) {
  return valid_utf8(text, text.size()) == text;
}

std::string append(std::string& out, const script_value& x, const std::string& place) {
  switch (x.is) {
    case kind::null: out += "null"; break;
    case kind::boolean: out += x.boolean ? "true" : "false"; break;
    case kind::integer: out += std::to_string(x.integer); break;
    case kind::number: append_number(out, x.number); break;
    case kind::text:
      if (!is_utf8(x.text))
        return (place.empty() ? "/" : place) + ": the text is not UTF-8";
      append_text(out, x.text);
      break;
    case kind::list:
      out += '[';
      for (size_t i = 0; i < x.items.size(); ++i) {
        out += i > 0 ? "," : "";
        if (auto fault = append(out, x.items[i], place + '/' + std::to_string(i)); !fault.empty())
          return fault;
      }
      out += ']';
      break;
    case kind::object:
      out += '{';
      for (auto i = x.fields.begin(); i != x.fields.end(); ++i) {
        out += i != x.fields.begin() ? "," : "";
        if (!is_utf8(i->first))
          return (place.empty() ? "/" : place) + ": a key is not UTF-8";
        append_text(out, i->first);
        out += ':';
        if (auto fault = append(out, i->second, place + '/' + i->first); !fault.empty())
          return fault;
      }
      out += '}';
      break;
  }
  return {};
}

void make_list(script_value& object, const std::string& key) {
  auto i = object.fields.find(key);
  if (i != object.fields.end() && i->second.is == kind::object && i->second.fields.empty())
    i->second.is = kind::list;
}

} // namespace

std::string append_json(std::string& out, const script_value& x) {
  return append(out, x, {});
}

std::string append_task_json(std::string& out, script_value x) {
  for (const auto* key : {"tags", "required_gates", "depends_on"})
    make_list(x, key);
  if (auto i = x.fields.find("resources"); i != x.fields.end())
    make_list(i->second, "exclusive");
  if (auto i = x.fields.find("snapshot"); i != x.fields.end()) {
    make_list(i->second, "keys");
    make_list(i->second, "files");
  }
  return append_json(out, x);
}

} // namespace overwatch
