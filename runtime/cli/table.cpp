#include "runtime/cli/table.hpp"

#include "runtime/cli/text.hpp"

#include <algorithm>
#include <numeric>
#include <ostream>

namespace overwatch::cli {

namespace {

constexpr size_t gap = 2;              // spaces between columns
constexpr size_t narrowest_column = 6; // a column is not cut below it

void write_line(std::ostream& out, std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  out << line << '\n';
}

} // namespace

void table::add(std::vector<cell> cells) {
  cells.resize(columns_.size(), cell{""});
  for (auto& cell : cells)
    cell.text = printable(cell.text);
  rows_.push_back(std::move(cells));
}

std::vector<size_t> table::widths_for(size_t limit) const {
  std::vector<size_t> widths;
  for (const auto& column : columns_)
    widths.push_back(display_width(column.title));
  for (const auto& row : rows_)
    for (size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row[i].text));
  if (limit == 0)
    return widths;
  const auto total = [&] {
    return std::accumulate(widths.begin(), widths.end(), size_t{0}) + gap * (widths.size() - 1);
  };
  while (total() > limit) {
    size_t widest = widths.size();
    for (size_t i = 0; i < widths.size(); ++i)
      if (!columns_[i].fixed && widths[i] > narrowest_column && (widest == widths.size() || widths[i] > widths[widest]))
        widest = i;
    if (widest == widths.size())
      break;
    --widths[widest];
  }
  return widths;
}

void table::print(const console& console) const {
  const auto widths = widths_for(console.width);
  const auto separator = std::string(gap, ' ');
  const auto line_of = [&](auto text_of, auto shade_of) {
    std::string line;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const auto text = pad(cut(text_of(i), widths[i]), widths[i], columns_[i].right_aligned);
      line += (i == 0 ? "" : separator) + paint(console, shade_of(i), text);
    }
    return line;
  };
  write_line(console.out, line_of([&](size_t i) -> const std::string& { return columns_[i].title; },
                                  [](size_t) { return colour::bold; }));
  for (const auto& row : rows_)
    write_line(console.out, line_of([&](size_t i) -> const std::string& { return row[i].text; },
                                    [&](size_t i) { return row[i].shade; }));
}

void fact_list::add(std::string name, std::string_view value, colour shade) {
  if (!value.empty())
    facts_.push_back({std::move(name), printable(value), shade});
}

void fact_list::print(const console& console) const {
  size_t widest = 0;
  for (const auto& fact : facts_)
    widest = std::max(widest, display_width(fact.name));
  const auto indent = widest + gap;
  for (const auto& fact : facts_) {
    const bool wraps = console.width > indent + narrowest_column;
    std::string_view rest = fact.value;
    auto label = paint(console, colour::bold, pad(fact.name, indent));
    while (!rest.empty()) {
      const auto part = wraps ? front_columns(rest, console.width - indent) : rest;
      write_line(console.out, label + paint(console, fact.shade, part));
      rest.remove_prefix(part.size());
      label = std::string(indent, ' ');
    }
  }
}

} // namespace overwatch::cli
