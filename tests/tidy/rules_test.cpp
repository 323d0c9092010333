#include "tests/tidy/rules.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

/// Each rule finds what breaks it, and lets through what keeps it.
namespace overwatch::tidy {

namespace {

/// The lines with findings of a rule in a tree of one file.
std::vector<size_t> lines_of(findings (*rule)(const files&), std::string path, std::string_view text) {
  std::vector<size_t> result;
  for (const auto& found : rule({make_file(std::move(path), text)}))
    result.push_back(found.line);
  return result;
}

using line_numbers = std::vector<size_t>;

std::string repeat(std::string_view text, size_t times) {
  std::string result;
  for (size_t i = 0; i < times; ++i)
    result += text;
  return result;
}

} // namespace

TEST(RulesTest, LowerFoldersMustNotIncludeHigherOnes) {
  EXPECT_EQ(lines_of(include_directions, "messages/a.hpp", "#pragma once\n#include \"actors/b.hpp\"\n"),
            line_numbers{2});
  EXPECT_EQ(lines_of(include_directions, "actors/a.cpp", "#include \"runtime/b.hpp\"\n"), line_numbers{1});
  EXPECT_EQ(lines_of(include_directions, "http/a.cpp", "#include \"actors/b.hpp\"\n"), line_numbers{1});
  EXPECT_EQ(lines_of(include_directions, "config/a.cpp", "# include <messages/task.hpp>\n"), line_numbers{1});
  EXPECT_EQ(lines_of(include_directions, "runtime/a.cpp", "#include \"tests/support/b.hpp\"\n"), line_numbers{1});
}

TEST(RulesTest, HigherFoldersMayIncludeLowerOnes) {
  EXPECT_EQ(lines_of(include_directions, "actors/a.cpp", "#include \"messages/b.hpp\"\n#include <vector>\n"),
            line_numbers{});
  EXPECT_EQ(lines_of(include_directions, "http/a.cpp", "#include \"config/b.hpp\"\n"), line_numbers{});
  EXPECT_EQ(lines_of(include_directions, "runtime/cli/a.cpp", "#include \"http/b.hpp\"\n"), line_numbers{});
  EXPECT_EQ(lines_of(include_directions, "tests/actors/a.cpp", "#include \"runtime/b.hpp\"\n"), line_numbers{});
}

TEST(RulesTest, IncludesOfOursAreWrittenFromTheTop) {
  EXPECT_EQ(lines_of(include_directions, "actors/a.cpp", "#include \"b.hpp\"\n"), line_numbers{1});
  EXPECT_EQ(lines_of(include_directions, "actors/a.cpp", "#include <unistd.h>\n"), line_numbers{});
}

TEST(RulesTest, WrappedLibrariesStayInTheirFolder) {
  EXPECT_EQ(lines_of(wrapped_libraries, "runtime/node.cpp", "#include <civetweb.h>\n"), line_numbers{1});
  EXPECT_EQ(lines_of(wrapped_libraries, "http/server.cpp", "#include <civetweb.h>\n"), line_numbers{});
  EXPECT_EQ(lines_of(wrapped_libraries, "actors/journal.cpp", "#include <rocksdb/db.h>\n"), line_numbers{1});
  EXPECT_EQ(lines_of(wrapped_libraries, "runtime/storage/x.cpp", "#include <rocksdb/db.h>\n"), line_numbers{});
  EXPECT_EQ(lines_of(wrapped_libraries, "runtime/node.cpp", "#include <raft.h>\n"), line_numbers{1});
  EXPECT_EQ(lines_of(wrapped_libraries, "runtime/replication/x.cpp", "#include <raft.h>\n"), line_numbers{});
  EXPECT_EQ(lines_of(wrapped_libraries, "actors/a.cpp", "#include <boost/json.hpp>\n#include <spdlog/spdlog.h>\n"),
            (line_numbers{1, 2}));
  EXPECT_EQ(lines_of(wrapped_libraries, "http/a.cpp", "#include <boost/json.hpp>\n"), line_numbers{});
}

TEST(RulesTest, LongFilesAreFound) {
  EXPECT_EQ(lines_of(file_length, "actors/a.cpp", repeat("\n", 400)), line_numbers{});
  EXPECT_EQ(lines_of(file_length, "actors/a.cpp", repeat("\n", 401)), line_numbers{401});
  EXPECT_EQ(lines_of(file_length, "tests/a.cpp", repeat("\n", 500)), line_numbers{});
  EXPECT_EQ(lines_of(file_length, "tests/a.cpp", repeat("\n", 501)), line_numbers{501});
  EXPECT_EQ(lines_of(file_length, "README.md", repeat("\n", 900)), line_numbers{});
}

TEST(RulesTest, AnActorWithoutTestsIsFound) {
  auto actor = make_file("actors/clock.hpp", "#pragma once\nclock_actor::behavior_type clock();\n");
  EXPECT_EQ(actors_have_tests({actor}),
            (findings{{"actors/clock.hpp", 2, "declares an actor, but tests/actors/clock_test.cpp has no tests"}}));
  EXPECT_EQ(actors_have_tests({actor, make_file("tests/actors/clock_test.cpp", "// soon\n")}).size(), 1U);
  EXPECT_EQ(actors_have_tests({actor, make_file("tests/actors/clock_test.cpp", "TEST(ClockTest, Ticks) {\n")}),
            findings{});
  EXPECT_EQ(actors_have_tests({make_file("actors/keys.hpp", "/// no behavior_type here\nint key();\n")}), findings{});
}

TEST(RulesTest, AFolderWithoutReadmeIsFound) {
  EXPECT_EQ(folders_have_readme({make_file("actors/a.cpp", "")}), (findings{{"actors/README.md", 0, "is missing"}}));
  EXPECT_EQ(folders_have_readme({make_file("actors/a.cpp", ""), make_file("actors/README.md", "")}), findings{});
  EXPECT_EQ(folders_have_readme({make_file("tests/http/corpus/deep.json", "")}), findings{});
  EXPECT_EQ(folders_have_readme({make_file(".ci/run", "#!/usr/bin/env bash\n")}), findings{});
}

TEST(RulesTest, AStrangerAtTheTopIsFound) {
  EXPECT_EQ(top_level({make_file("util/a.cpp", ""), make_file("util/b.cpp", ""), make_file("notes.txt", "")}),
            (findings{{"util", 0, "does not belong at the top of the tree"},
                      {"notes.txt", 0, "does not belong at the top of the tree"}}));
  EXPECT_EQ(top_level({make_file("actors/a.cpp", ""), make_file("LICENSE", ""), make_file(".clang-tidy", "")}),
            findings{});
}

TEST(RulesTest, MarksOfUnfinishedWorkAreFound) {
  EXPECT_EQ(lines_of(banned_marks, "actors/a.cpp", "// TODO\n// FIXME: x\n// XXX\n// HACK\n\"not implemented\"\n"),
            (line_numbers{1, 2, 3, 4, 5}));
  EXPECT_EQ(lines_of(banned_marks, "tests/a.cpp", "std::this_thread::sleep_for(1s);\n  usleep(1);\n"),
            (line_numbers{1, 2}));
  EXPECT_EQ(lines_of(banned_marks, "actors/a.cpp", "self->request(x, caf::infinite, 1)\n"), line_numbers{1});
}

TEST(RulesTest, NamesThatContainAMarkAreAllowed) {
  EXPECT_EQ(lines_of(banned_marks, "actors/a.cpp", "\"/tmp/run-XXXXXX\"\nauto TODOS = 1;\n\"Not Implemented\"\n"),
            line_numbers{});
}

TEST(RulesTest, AMarkIsAllowedWhereItsReasonHolds) {
  EXPECT_EQ(lines_of(banned_marks, "tests/bench/a.cpp", "std::this_thread::sleep_until(next);\n"), line_numbers{});
  EXPECT_EQ(lines_of(banned_marks, "tests/bench/a.cpp", "request(x, caf::infinite)\n"), line_numbers{1});
  EXPECT_EQ(lines_of(banned_marks, "http/bridge.cpp", "request(x, caf::infinite)\n"), line_numbers{});
  EXPECT_EQ(lines_of(banned_marks, "http/server.cpp", "request(x, caf::infinite)\n"), line_numbers{1});
}

TEST(RulesTest, NolintNeedsACheckAndAReason) {
  EXPECT_EQ(lines_of(banned_marks, "actors/a.cpp", "x(); // NOLINT\ny(); // NOLINT(cert-err58-cpp)\n"),
            (line_numbers{1, 2}));
  EXPECT_EQ(lines_of(banned_marks, "actors/a.cpp", "x(); // NOLINT(cert-err58-cpp): the order does not matter\n"),
            line_numbers{});
}

TEST(RulesTest, SecondWordsForOneThingAreFound) {
  EXPECT_EQ(lines_of(banned_words, "actors/a.cpp", "int job_count;\nclass JobList;\n// an executor runs\n"),
            (line_numbers{1, 2, 3}));
  EXPECT_EQ(lines_of(banned_words, "actors/a.cpp", "// a queue item\nint queue_items;\nstruct QueueItem;\n"),
            (line_numbers{1, 2, 3}));
}

TEST(RulesTest, WordsOfOthersAreAllowed) {
  EXPECT_EQ(lines_of(banned_words, "http/a.cpp", "auto x = \"job\";\n#include <executor.h>\n"), line_numbers{});
  EXPECT_EQ(lines_of(banned_words, "http/a.cpp", "auto x = '\"'; job();\n"), line_numbers{1});
  EXPECT_EQ(lines_of(banned_words, "runtime/a.cpp", "// job control of the terminal\n"), line_numbers{});
  EXPECT_EQ(lines_of(banned_words, "runtime/a.cpp", "int jobless;\noptions.max_background_jobs = 2;\n"),
            line_numbers{});
}

TEST(RulesTest, PathsOfOneMachineAreFound) {
  EXPECT_EQ(lines_of(machine_paths, "README.md", "cd /" "work/tree\n\"/" "root\"\nHOME=/" "root/x\n"),
            (line_numbers{1, 2, 3}));
  EXPECT_EQ(lines_of(machine_paths, "README.md", "GET /" "workers\n/proc/self/" "root\n$TMP/" "work\n/" "work-1\n"),
            line_numbers{});
}

TEST(RulesTest, WhiteSpaceAtTheEndIsFound) {
  EXPECT_EQ(lines_of(trailing_whitespace, "a.md", "x\ny \nz\t\nw\r\n\n"), (line_numbers{2, 3, 4}));
}

TEST(RulesTest, CarelessScriptsAreFound) {
  EXPECT_EQ(lines_of(strict_shell, "a.sh", "#!/usr/bin/env bash\n# what it does\necho\n"), line_numbers{3});
  EXPECT_EQ(lines_of(strict_shell, "run", "#!/bin/bash\n"), line_numbers{2});
  EXPECT_EQ(lines_of(strict_shell, "a.sh", "#!/usr/bin/env bash\n# what it does\n\nset -euo pipefail\n"),
            line_numbers{});
  EXPECT_EQ(lines_of(strict_shell, "a.py", "#!/usr/bin/env python3\n"), line_numbers{});
}

TEST(SourceTreeTest, ReadsTextAndSkipsBuildsAndBinaries) {
  namespace fs = std::filesystem;
  auto root = fs::path{testing::TempDir()} / "source_tree_test";
  fs::remove_all(root);
  auto write = [&](const char* path, std::string_view text) {
    fs::create_directories((root / path).parent_path());
    std::ofstream{root / path} << text;
  };
  write("b/x.cpp", "1\n2");
  write("a.txt", "\n");
  write(".build/dev/y.cpp", "1");
  write(".git", "gitdir: elsewhere");
  write("picture.png", std::string_view{"\x89\0\x01", 3});
  auto read = read_tree(root);
  fs::remove_all(root);
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].path, "a.txt");
  EXPECT_EQ(read[0].lines, std::vector<std::string>{""});
  EXPECT_EQ(read[1].path, "b/x.cpp");
  EXPECT_EQ(read[1].lines, (std::vector<std::string>{"1", "2"}));
}

} // namespace overwatch::tidy
