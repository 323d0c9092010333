#pragma once

#include "tests/tidy/source_tree.hpp"

#include <iosfwd>
#include <string>
#include <vector>

/// The rules of the tree that a machine can check. Each is a pure function from files to findings, so that
/// it is tested on small texts before it judges the tree.
namespace overwatch::tidy {

/// One place that breaks a rule.
struct finding {
  std::string path;
  size_t line = 0; ///< from 1; 0 when the whole file or folder is meant
  std::string message;
};

bool operator==(const finding& x, const finding& y);
std::ostream& operator<<(std::ostream& out, const finding& x);

using files = std::vector<source_file>;
using findings = std::vector<finding>;

/// Includes go one way: messages <- actors <- runtime, messages <- http <- runtime; config includes nothing
/// of ours. Ours are written from the top of the tree.
findings include_directions(const files& tree);

/// Each wrapped library is known in one folder only (and in the tests of that folder).
findings wrapped_libraries(const files& tree);

/// Sources of 400 lines at most, tests of 500.
findings file_length(const files& tree);

/// Every actors/x.hpp that declares an actor has tests in tests/actors/x_test.cpp.
findings actors_have_tests(const files& tree);

/// Every folder with sources or scripts has a README.md.
findings folders_have_readme(const files& tree);

/// The top of the tree holds the agreed names and dotfiles only.
findings top_level(const files& tree);

/// No marks of unfinished work, no sleeping, no endless waiting, no unexplained NOLINT.
findings banned_marks(const files& tree);

/// One word for one thing: words that name a concept of the model by another name.
findings banned_words(const files& tree);

/// No absolute path that exists on one developer's machine only.
findings machine_paths(const files& tree);

findings trailing_whitespace(const files& tree);

/// Every shell script stops at its first error.
findings strict_shell(const files& tree);

} // namespace overwatch::tidy
