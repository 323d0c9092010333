#include "tests/backup/backup_fixture.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace fs = std::filesystem;

/// More than memory may hold, and more files than anybody wants to wait for.
namespace overwatch::backup {

namespace {

constexpr rlim_t memory_budget = 160 << 20; // of the process that backs up, with all of its libraries
constexpr uint64_t piece_bytes = 10'000'000;

/// In a child process whose memory is limited; what it did not manage is in the text.
std::string run_with_little_memory(const std::function<void()>& body) {
  int ends[2];
  if (::pipe(ends) != 0)
    return "no pipe";
  auto child = ::fork();
  if (child == 0) {
    std::string said;
    try {
      body();
    } catch (const std::exception& error) {
      said = error.what();
    }
    struct rusage usage {};
    ::getrusage(RUSAGE_SELF, &usage);
    if (said.empty() && static_cast<uint64_t>(usage.ru_maxrss) * 1024 > memory_budget)
      said = "it took " + std::to_string(usage.ru_maxrss) + " KiB";
    auto written = ::write(ends[1], said.data(), said.size());
    ::_exit(written < 0 ? 1 : 0);
  }
  ::close(ends[1]);
  std::string result(4096, '\0');
  auto size = ::read(ends[0], result.data(), result.size());
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  result.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return status == 0 ? result : "it ended with status " + std::to_string(status);
}

} // namespace

class LargeTest : public BackupFixture {
protected:
  LargeTest() { make_directory(tree()); }
};

TEST_F(LargeTest, AFileLargerThanTheMemoryBudget) {
  {
    std::ofstream out{tree("/large"), std::ios::binary};
    for (uint64_t i = 0; i < 30; ++i) { // 300 MB of noise, zeros and holes
      if (i % 3 == 0)
        out.seekp(static_cast<std::streamoff>(piece_bytes), std::ios::cur);
      else
        out << (i % 3 == 1 ? random_text(piece_bytes, i) : std::string(piece_bytes, '\0'));
    }
  }
  EXPECT_EQ(run_with_little_memory([&] { create(); }), "");
  EXPECT_EQ(run_with_little_memory([&] {
              if (!verify().whole())
                throw std::runtime_error{problems_text()};
            }),
            "");
  EXPECT_EQ(run_with_little_memory([&] { restore(); }), "");
  EXPECT_EQ(difference(image_of(tree()), image_of(restored())), "");
  EXPECT_LT(test::allocated_bytes(restored("/large")), 130'000'000u) << "neither holes nor zeros take room";
}

TEST_F(LargeTest, AHundredThousandSmallFiles) {
  options.recent = milliseconds{0};
  constexpr int files = 100'000;
  for (int i = 0; i < files; ++i) {
    auto directory = tree("/" + std::to_string(i / 1000));
    if (i % 1000 == 0)
      make_directory(directory);
    write_file(directory + "/" + std::to_string(i), "file " + std::to_string(i));
  }
  EXPECT_EQ(run_with_little_memory([&] { create(); }), "");
  auto second = create();
  EXPECT_EQ(second.counts.unchanged, static_cast<uint64_t>(files));
  EXPECT_LT(second.counts.new_bytes, 200'000u) << "the list of an unchanged tree is there already";
  EXPECT_TRUE(verify().whole()) << problems_text();
  auto counts = restore();
  EXPECT_EQ(counts.files, static_cast<uint64_t>(files));
  EXPECT_EQ(difference(image_of(tree()), image_of(restored())), "");
}

} // namespace overwatch::backup
