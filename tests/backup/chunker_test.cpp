#include "runtime/backup/chunker.hpp"
#include "tests/backup/backup_fixture.hpp"

#include <set>

namespace overwatch::backup {

namespace {

std::vector<std::string> chunks_of(const std::string& content, size_t at_once = 100'000) {
  static const auto gear = vault{}.gear();
  std::vector<std::string> result;
  chunker cut{gear};
  auto out = [&](std::string_view chunk) { result.emplace_back(chunk); };
  for (size_t i = 0; i < content.size(); i += at_once)
    cut.add(std::string_view{content}.substr(i, at_once), out);
  cut.finish(out);
  return result;
}

std::string joined(const std::vector<std::string>& chunks) {
  std::string result;
  for (const auto& x : chunks)
    result += x;
  return result;
}

} // namespace

TEST(ChunkerTest, ChunksAreTheContent) {
  for (size_t size :
       {size_t{0}, size_t{1}, min_chunk_bytes, min_chunk_bytes + 1, max_chunk_bytes, size_t{20'000'000}}) {
    auto content = random_text(size, size);
    EXPECT_EQ(joined(chunks_of(content)), content) << size;
  }
}

TEST(ChunkerTest, SizesAreWithinTheirLimitsAndUsual) {
  auto chunks = chunks_of(random_text(60'000'000, 1));
  for (size_t i = 0; i + 1 < chunks.size(); ++i) {
    EXPECT_GE(chunks[i].size(), min_chunk_bytes);
    EXPECT_LE(chunks[i].size(), max_chunk_bytes);
  }
  EXPECT_GT(chunks.size(), 60'000'000 / (2 * usual_chunk_bytes));
  EXPECT_LT(chunks.size(), 60'000'000 / (usual_chunk_bytes / 2));
}

TEST(ChunkerTest, ZerosAreCutAtTheLargestSize) {
  auto chunks = chunks_of(std::string(3 * max_chunk_bytes + 5, '\0'));
  ASSERT_EQ(chunks.size(), 4u);
  EXPECT_EQ(chunks[3].size(), 5u);
}

TEST(ChunkerTest, SizeOfThePiecesDoesNotMatter) {
  auto content = random_text(10'000'000, 2);
  auto whole = chunks_of(content, content.size());
  EXPECT_EQ(chunks_of(content, 1'000), whole);
  EXPECT_EQ(chunks_of(content, 3'333'333), whole);
}

TEST(ChunkerTest, AnInsertedByteChangesAChunkOrTwo) {
  auto content = random_text(30'000'000, 3);
  auto before = chunks_of(content);
  content.insert(15'000'000, "x");
  auto after = chunks_of(content);
  std::set<std::string> known{before.begin(), before.end()};
  size_t fresh = 0;
  for (const auto& x : after)
    fresh += known.count(x) == 0 ? 1 : 0;
  EXPECT_LE(fresh, 3u);
  EXPECT_GE(fresh, 1u);
}

TEST(ChunkerTest, AKeyMovesTheCuts) {
  auto content = random_text(10'000'000, 4);
  auto gear = vault{std::string(32, 'k'), "salt"}.gear();
  std::vector<std::string> sealed;
  chunker cut{gear};
  auto out = [&](std::string_view chunk) { sealed.emplace_back(chunk); };
  cut.add(content, out);
  cut.finish(out);
  EXPECT_NE(sealed, chunks_of(content));
  EXPECT_EQ(joined(sealed), content);
}

} // namespace overwatch::backup
