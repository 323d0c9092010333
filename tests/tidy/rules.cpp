#include "tests/tidy/rules.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <ostream>
#include <set>
#include <string_view>

namespace overwatch::tidy {

namespace {

constexpr size_t max_lines = 400;
constexpr size_t max_test_lines = 500;
constexpr size_t min_reason_length = 10; // of a NOLINT, in characters

/// This folder has to spell what it forbids.
bool is_exempt(const source_file& file) {
  return is_below(file.path, "tests/tidy");
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

bool is_letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view space = " \t\r";
  auto first = text.find_first_not_of(space);
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

/// True when `word` is in `text` and no longer name surrounds it.
bool contains_word(std::string_view text, std::string_view word) {
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    auto end = at + word.size();
    if ((at == 0 || !is_name_character(text[at - 1])) && (end == text.size() || !is_name_character(text[end])))
      return true;
  }
  return false;
}

/// What an include line names: the path, and whether it stands in quotes.
struct include {
  std::string_view path;
  bool quoted = false;
};

std::optional<include> parse_include(std::string_view line) {
  line = trim(line);
  if (line.empty() || line.front() != '#')
    return std::nullopt;
  line = trim(line.substr(1));
  if (line.substr(0, 7) != "include")
    return std::nullopt;
  line = trim(line.substr(7));
  if (line.size() < 2 || (line.front() != '"' && line.front() != '<'))
    return std::nullopt;
  auto end = line.find(line.front() == '"' ? '"' : '>', 1);
  if (end == std::string_view::npos)
    return std::nullopt;
  return include{line.substr(1, end - 1), line.front() == '"'};
}

template <class Check>
findings check_lines(const files& tree, Check check) {
  findings result;
  for (const auto& file : tree)
    for (size_t i = 0; i < file.lines.size(); ++i)
      if (std::string message = check(file, std::string_view{file.lines[i]}); !message.empty())
        result.push_back({file.path, i + 1, std::move(message)});
  return result;
}

/// Which folders of ours the code of a folder may include.
struct direction {
  std::string_view folder;
  std::vector<std::string_view> may_include;
};

const std::vector<direction>& directions() {
  static const std::vector<direction> result{
    {"messages", {"messages"}},
    {"config", {"config"}},
    {"actors", {"messages", "config", "actors"}},
    {"http", {"messages", "config", "http"}},
    {"runtime", {"messages", "config", "actors", "http", "runtime"}},
    {"examples", {"messages", "config", "actors", "http", "runtime", "examples"}},
  };
  return result;
}

/// A library that is wrapped by one folder, or that a folder must not know.
struct wrapped_library {
  std::string_view header; ///< beginning of the include path
  std::vector<std::string_view> only_in;
  std::vector<std::string_view> never_in;
};

const std::vector<wrapped_library>& libraries() {
  static const std::vector<wrapped_library> result{
    {"civetweb.h", {"http", "tests/http"}, {}},
    // The benchmark compares the node with the bare database.
    {"rocksdb/", {"runtime/storage", "tests/storage", "tests/bench"}, {}},
    {"raft.h", {"runtime/replication", "tests/replication"}, {}},
    {"raft/", {"runtime/replication", "tests/replication"}, {}},
    {"boost/json", {}, {"actors", "messages"}},
    {"spdlog/", {}, {"actors", "messages"}},
  };
  return result;
}

bool is_below_any(std::string_view path, const std::vector<std::string_view>& folders) {
  return std::any_of(folders.begin(), folders.end(), [&](auto folder) { return is_below(path, folder); });
}

/// The line without what stands in double quotes: names of the wire and of other programs are not ours.
std::string without_strings(std::string_view line) {
  std::string result;
  bool inside = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (inside && line[i] == '\\') {
      ++i;
    } else if (line[i] == '"' && (inside || i == 0 || line[i - 1] != '\'')) {
      inside = !inside;
    } else if (!inside) {
      result.push_back(line[i]);
    }
  }
  return result;
}

/// The words of names and prose in lower case: `queue_item`, `QueueItem` and `queue item` are two words.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> result;
  std::string word;
  auto finish = [&] {
    if (!word.empty())
      result.push_back(std::move(word));
    word.clear();
  };
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    if (!is_letter(text[i])) {
      finish();
      continue;
    }
    if (std::isupper(c) != 0 && i > 0 && std::islower(static_cast<unsigned char>(text[i - 1])) != 0)
      finish();
    word.push_back(static_cast<char>(std::tolower(c)));
  }
  finish();
  return result;
}

/// A phrase in which a banned word is right, because someone else gave the name.
struct allowed_phrase {
  std::string_view phrase;
  std::string_view reason;
};

constexpr std::array<allowed_phrase, 3> allowed_phrases{{
  {"job control", "what a terminal does with process groups"},
  {"coordinator_.jobs", "a member of CAF's test coordinator"},
  {"max_background_jobs", "an option of RocksDB"},
}};

/// A mark that is right in one file or folder.
struct allowed_mark {
  std::string_view path;
  std::string_view mark;
  std::string_view reason;
};

constexpr std::array<allowed_mark, 5> allowed_marks{{
  {"tests/bench", "sleep_for", "it measures: a load is paced by the clock"},
  {"tests/bench", "sleep_until", "likewise"},
  {"http/bridge.cpp", "caf::infinite", "the thread that waits for the answer has the deadline"},
  {"tests/actors", "caf::infinite", "on the test coordinator time stands still while a request is answered"},
  {"tests/support/deterministic_node.hpp", "caf::infinite", "likewise"},
}};

bool is_allowed(std::string_view path, std::string_view mark) {
  return std::any_of(allowed_marks.begin(), allowed_marks.end(),
                     [&](const auto& x) { return x.mark == mark && is_below(path, x.path); });
}

std::string explain_nolint(std::string_view line) {
  auto at = line.find("NOLINT");
  if (at == std::string_view::npos)
    return {};
  auto open = line.find('(', at);
  auto close = open == std::string_view::npos ? open : line.find(')', open);
  if (close == std::string_view::npos)
    return "NOLINT names no check: NOLINT(check): reason";
  auto reason = line.substr(close + 1);
  if (std::count_if(reason.begin(), reason.end(), is_letter) < static_cast<std::ptrdiff_t>(min_reason_length))
    return "NOLINT without a reason: NOLINT(check): reason";
  return {};
}

} // namespace

bool operator==(const finding& x, const finding& y) {
  return x.path == y.path && x.line == y.line && x.message == y.message;
}

std::ostream& operator<<(std::ostream& out, const finding& x) {
  out << x.path;
  if (x.line > 0)
    out << ':' << x.line;
  return out << ": " << x.message;
}

findings include_directions(const files& tree) {
  return check_lines(tree, [](const source_file& file, std::string_view line) -> std::string {
    auto found = is_cpp(file) ? parse_include(line) : std::nullopt;
    if (!found)
      return {};
    auto slash = found->path.find('/');
    if (slash == std::string_view::npos)
      return found->quoted ? "includes of ours are written from the top: \"folder/name.hpp\"" : "";
    auto from = file.path.substr(0, file.path.find('/'));
    auto to = found->path.substr(0, slash);
    for (const auto& [folder, may_include] : directions()) {
      if (folder != from)
        continue;
      auto is_ours = to == "tests" || is_below_any(to, directions().back().may_include);
      if (is_ours && std::find(may_include.begin(), may_include.end(), to) == may_include.end())
        return from + " must not include " + std::string{to};
    }
    return {};
  });
}

findings wrapped_libraries(const files& tree) {
  return check_lines(tree, [](const source_file& file, std::string_view line) -> std::string {
    auto found = is_cpp(file) ? parse_include(line) : std::nullopt;
    if (!found)
      return {};
    for (const auto& library : libraries()) {
      if (found->path.substr(0, library.header.size()) != library.header)
        continue;
      if (!library.only_in.empty() && !is_below_any(file.path, library.only_in))
        return "only " + std::string{library.only_in.front()} + " includes " + std::string{library.header};
      if (is_below_any(file.path, library.never_in))
        return std::string{library.header} + " does not belong here";
    }
    return {};
  });
}

findings file_length(const files& tree) {
  findings result;
  for (const auto& file : tree) {
    if (!is_cpp(file) && !is_shell(file))
      continue;
    auto limit = is_below(file.path, "tests") ? max_test_lines : max_lines;
    if (file.lines.size() > limit)
      result.push_back({file.path, limit + 1,
                        std::to_string(file.lines.size()) + " lines, " + std::to_string(limit) + " are allowed"});
  }
  return result;
}

findings actors_have_tests(const files& tree) {
  std::set<std::string> tested;
  for (const auto& file : tree)
    if (std::any_of(file.lines.begin(), file.lines.end(), [](const auto& x) { return x.rfind("TEST", 0) == 0; }))
      tested.insert(file.path);
  findings result;
  for (const auto& file : tree) {
    if (file.folder() != "actors" || file.path.substr(file.path.size() - 4) != ".hpp")
      continue;
    auto line = std::find_if(file.lines.begin(), file.lines.end(), [](const auto& x) {
      auto code = std::string_view{x}.substr(0, x.find("//"));
      return contains(code, "behavior_type") || contains_word(code, "caf::behavior");
    });
    auto stem = file.path.substr(7, file.path.size() - 11);
    auto test = "tests/actors/" + stem + "_test.cpp";
    if (line != file.lines.end() && tested.count(test) == 0)
      result.push_back({file.path, static_cast<size_t>(line - file.lines.begin()) + 1,
                        "declares an actor, but " + test + " has no tests"});
  }
  return result;
}

findings folders_have_readme(const files& tree) {
  std::set<std::string> with_sources;
  std::set<std::string> with_readme;
  for (const auto& file : tree) {
    auto folder = file.folder();
    auto name = std::string_view{file.path}.substr(folder.empty() ? 0 : folder.size() + 1);
    if (name == "README.md")
      with_readme.insert(folder);
    else if (is_cpp(file) || is_shell(file) || name == "CMakeLists.txt")
      with_sources.insert(folder);
  }
  findings result;
  for (const auto& folder : with_sources)
    if (with_readme.count(folder) == 0 && folder.rfind('.', 0) != 0)
      result.push_back({folder.empty() ? "README.md" : folder + "/README.md", 0, "is missing"});
  return result;
}

findings top_level(const files& tree) {
  constexpr std::array<std::string_view, 11> allowed{"CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md",
                                                     "actors", "config", "examples", "http",
                                                     "messages", "runtime", "tests"};
  findings result;
  std::set<std::string> seen;
  for (const auto& file : tree) {
    auto name = file.path.substr(0, file.path.find('/'));
    if (name.front() == '.' || !seen.insert(name).second)
      continue;
    if (std::find(allowed.begin(), allowed.end(), name) == allowed.end())
      result.push_back({name, 0, "does not belong at the top of the tree"});
  }
  return result;
}

findings banned_marks(const files& tree) {
  return check_lines(tree, [](const source_file& file, std::string_view line) -> std::string {
    constexpr std::array<std::string_view, 9> marks{
      "sleep_for", "sleep_until", "usleep", "caf::infinite", "TODO", "FIXME", "XXX", "HACK", "not implemented"};
    if (!is_cpp(file) || is_exempt(file))
      return {};
    for (auto mark : marks)
      if (contains_word(line, mark) && !is_allowed(file.path, mark))
        return "banned: " + std::string{mark};
    return explain_nolint(line);
  });
}

findings banned_words(const files& tree) {
  return check_lines(tree, [](const source_file& file, std::string_view line) -> std::string {
    if (!is_cpp(file) || is_exempt(file) || parse_include(line))
      return {};
    auto text = without_strings(line);
    for (const auto& [phrase, reason] : allowed_phrases)
      if (auto at = text.find(phrase); at != std::string::npos)
        text.erase(at, phrase.size());
    auto words = words_of(text);
    for (size_t i = 0; i < words.size(); ++i) {
      if (words[i] == "job" || words[i] == "jobs")
        return "banned word: " + words[i] + "; the model says task";
      if (words[i] == "executor" || words[i] == "executors")
        return "banned word: " + words[i] + "; the model says worker";
      if (words[i] == "queue" && i + 1 < words.size() && (words[i + 1] == "item" || words[i + 1] == "items"))
        return "banned words: queue item; the model says task";
    }
    return {};
  });
}

findings machine_paths(const files& tree) {
  return check_lines(tree, [](const source_file&, std::string_view line) -> std::string {
    for (const std::string folder : {"work", "root"}) {
      auto path = "/" + folder;
      for (auto at = line.find(path); at != std::string_view::npos; at = line.find(path, at + 1)) {
        auto end = at + path.size();
        auto before = at == 0 ? ' ' : line[at - 1];
        auto is_absolute = !is_name_character(before) && !contains("/.-})>", std::string_view{&before, 1});
        if (is_absolute && (end == line.size() || !(is_name_character(line[end]) || line[end] == '-')))
          return "a path of one machine: " + path;
      }
    }
    return {};
  });
}

findings trailing_whitespace(const files& tree) {
  return check_lines(tree, [](const source_file&, std::string_view line) -> std::string {
    auto has = !line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r');
    return has ? "white space at the end of the line" : "";
  });
}

findings strict_shell(const files& tree) {
  findings result;
  for (const auto& file : tree) {
    if (!is_shell(file))
      continue;
    auto first = std::find_if(file.lines.begin(), file.lines.end(),
                              [](const auto& x) { return !trim(x).empty() && trim(x).front() != '#'; });
    if (first == file.lines.end() || *first != "set -euo pipefail")
      result.push_back({file.path, static_cast<size_t>(first - file.lines.begin()) + 1,
                        "the first command of a script is: set -euo pipefail"});
  }
  return result;
}

} // namespace overwatch::tidy
