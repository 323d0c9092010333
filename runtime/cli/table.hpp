#pragma once

#include "runtime/cli/console.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace overwatch::cli {

/// A table for people: aligned columns that fit the console. Cells are made printable when they are added,
/// so task data cannot drive the terminal. Columns give up width only when the whole is too wide, the widest
/// first; what is cut shows as `…`.
class table {
public:
  struct column {
    std::string title;
    bool right_aligned = false;
    bool fixed = false; ///< never cut: ids, numbers
  };

  explicit table(std::vector<column> columns) : columns_{std::move(columns)} {}

  struct cell {
    cell(std::string_view text, colour shade = colour::plain) : text{text}, shade{shade} {}
    cell(const std::string& text, colour shade = colour::plain) : text{text}, shade{shade} {}
    cell(const char* text, colour shade = colour::plain) : text{text}, shade{shade} {}

    std::string text;
    colour shade;
  };

  /// One cell per column.
  void add(std::vector<cell> cells);

  bool empty() const { return rows_.empty(); }

  /// Titles and rows, each line without trailing spaces.
  void print(const console& console) const;

private:
  std::vector<size_t> widths_for(size_t limit) const;

  std::vector<column> columns_;
  std::vector<std::vector<cell>> rows_;
};

/// `name: value` lines with the values under each other; empty values are left out. A value that is too long
/// for the console goes on in the next line.
class fact_list {
public:
  void add(std::string name, std::string_view value, colour shade = colour::plain);
  void print(const console& console) const;

private:
  struct fact {
    std::string name;
    std::string value;
    colour shade;
  };

  std::vector<fact> facts_;
};

} // namespace overwatch::cli
