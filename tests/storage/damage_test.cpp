#include "runtime/storage/damage.hpp"
#include "tests/storage/killed_writer.hpp"
#include "tests/storage/temporary_directory.hpp"
#include "tests/storage/written_entries.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace fs = std::filesystem;

namespace overwatch::test {

using testing::HasSubstr;

namespace {

/// SST files from a checkpoint, and a write-ahead log with entries.
void fill_and_kill(const std::string& directory) { run_and_kill_writer({directory, "few_entries"}); }

bool is_complete(const store& x) {
  for (int i = 0; i < few_entries; ++i)
    if (!x.get(key_space::log, entry_key(i)))
      return false;
  for (int i = 0; i <= few_entries / 2; ++i)
    if (!x.get(key_space::state, state_key(i)))
      return false;
  return true;
}

bool is_kind(const fs::path& file, const std::string& kind) {
  return file.extension() == kind || file.filename().string().rfind(kind, 0) == 0;
}

class DamagedFileTest : public testing::TestWithParam<std::string> {
protected:
  void SetUp() override { fill_and_kill(directory_.inside("data")); }

  temporary_directory directory_;
};

/// Flips a byte of a file in a copy of the store, and looks what happens.
struct flip_result {
  bool refused = false;
  bool untouched = false; ///< when refused
  bool complete = false;  ///< when not refused
  failure refusal;
};

flip_result flip(const temporary_directory& directory, const fs::path& file, size_t offset, unsigned char bits) {
  auto copy = directory.inside("copy");
  fs::remove_all(copy);
  fs::copy(directory.inside("data"), copy, fs::copy_options::recursive);
  auto target = fs::path{copy} / file.lexically_relative(directory.inside("data"));
  auto bytes = files_of(copy).at(target.string());
  bytes[offset] = static_cast<char>(bytes[offset] ^ bits);
  overwrite(target, bytes);
  auto before = files_of(copy);
  auto opened = open_rocks_store(copy, {4, 4});
  flip_result result;
  if (opened) {
    result.complete = is_complete(**opened);
  } else {
    result.refused = true;
    result.refusal = describe(opened.error());
    result.untouched = files_of(copy) == before;
  }
  return result;
}

} // namespace

TEST_P(DamagedFileTest, AFlippedByteIsRefusedWithAReasonAndNothingIsTouched) {
  size_t refused = 0;
  for (const auto& [name, bytes] : files_of(directory_.inside("data/rocks"))) {
    if (!is_kind(name, GetParam()) || bytes.empty())
      continue;
    auto result = flip(directory_, name, bytes.size() / 2, 0x40);
    if (!result.refused) {
      EXPECT_TRUE(result.complete) << "data was dropped silently: " << name;
      continue; // a byte without meaning, or a file that is not needed any more
    }
    ++refused;
    EXPECT_EQ(result.refusal.code, ec::internal);
    EXPECT_THAT(result.refusal.message, HasSubstr("is damaged"));
    EXPECT_THAT(result.refusal.message, HasSubstr(directory_.inside("copy")));
    EXPECT_TRUE(result.untouched) << name;
  }
  EXPECT_GE(refused, 1u);
}

INSTANTIATE_TEST_SUITE_P(FileKinds, DamagedFileTest, testing::Values("CURRENT", "MANIFEST", ".sst", ".log"),
                         [](const auto& info) {
                           auto name = info.param;
                           name.erase(0, name.front() == '.' ? 1 : 0);
                           return name;
                         });

TEST(DamageTest, NoFlippedByteOfTheLogsLosesDataSilently) {
  temporary_directory directory;
  fill_and_kill(directory.inside("data"));
  size_t tried = 0;
  size_t refused = 0;
  for (const auto& [name, bytes] : files_of(directory.inside("data/rocks"))) {
    if (!is_kind(name, ".log") && !is_kind(name, "MANIFEST"))
      continue;
    // A prime step meets headers and payloads of many records at every position; the end is looked at closely.
    for (size_t offset = 0; offset < bytes.size(); offset += offset + 80 < bytes.size() ? 397 : 5) {
      auto result = flip(directory, name, offset, 0x04);
      ++tried;
      refused += result.refused ? 1 : 0;
      EXPECT_TRUE(result.refused ? result.untouched : result.complete) << name << " at " << offset;
    }
  }
  EXPECT_GT(tried, 40u);
  EXPECT_GT(refused, tried / 2);
}

TEST(DamageTest, AWriteThatACrashCutOffIsNoDamage) {
  temporary_directory directory;
  fill_and_kill(directory.inside("data"));
  auto files = files_of(directory.inside("data/rocks"));
  auto newest = std::find_if(files.rbegin(), files.rend(), [](const auto& x) { return is_kind(x.first, ".log"); });
  ASSERT_NE(newest, files.rend());
  ASSERT_GT(newest->second.size(), 1000u);
  overwrite(newest->first, newest->second.substr(0, newest->second.size() - 100));
  auto x = open_small(directory.inside("data"));
  EXPECT_FALSE(x->get(key_space::log, entry_key(few_entries - 1))) << "the write that was cut off";
  EXPECT_TRUE(x->get(key_space::log, entry_key(few_entries - 2)));
}

TEST(DamageTest, AMissingFileIsDamage) {
  for (std::string kind : {"CURRENT", "MANIFEST", ".sst"}) {
    temporary_directory directory;
    fill_and_kill(directory.inside("data"));
    for (const auto& file : files_of(directory.inside("data/rocks")))
      if (is_kind(file.first, kind))
        fs::remove(file.first);
    auto before = files_of(directory.path());
    EXPECT_EQ(refusal_of(directory.inside("data")).code, ec::internal) << kind;
    EXPECT_TRUE(files_of(directory.path()) == before) << kind;
  }
}

TEST(DamageTest, ATailIsDamagedOnlyWhenIntactBytesFollow) {
  // Two records of RocksDB's log format: masked CRC, length, type, payload.
  const std::string first{"\x70\x3a\x62\x53\x04\x00\x01"
                          "abcd",
                          11};
  const std::string second{"\xaf\x77\x86\xd7\x06\x00\x01"
                           "efghij",
                           13};
  EXPECT_FALSE(has_damaged_tail(""));
  EXPECT_FALSE(has_damaged_tail(first + second));
  for (size_t size = 0; size < second.size(); ++size)
    EXPECT_FALSE(has_damaged_tail(first + second.substr(0, size))) << "cut off after " << size;
  EXPECT_FALSE(has_damaged_tail(first + std::string(100, '\0'))) << "allocated, not written";
  auto longer = [](std::string record) {
    record[4] = static_cast<char>(record[4] ^ 0x40);
    return record;
  };
  EXPECT_TRUE(has_damaged_tail(longer(first) + second)) << "an intact record follows";
  EXPECT_TRUE(has_damaged_tail(first + longer(second))) << "intact with another length";
}

} // namespace overwatch::test
