#include "actors/document_table.hpp"

#include "tests/support/memory_store.hpp"

#include <gtest/gtest.h>

#include <random>

using namespace std::chrono_literals;

namespace overwatch::test {

namespace {

const timestamp beginning{1'700'000'000s};

std::shared_ptr<const std::string> text(std::string x) { return std::make_shared<const std::string>(std::move(x)); }

std::vector<std::string> names_in(const document_table& table, document_kind kind, const std::string& prefix) {
  std::vector<std::string> names;
  for (auto [i, last] = table.with_prefix(kind, prefix); i != last; ++i)
    names.push_back(i->first.second);
  return names;
}

void write(document_table& table, memory_store& db) {
  write_batch batch;
  table.flush(batch);
  db.write(batch, false);
}

} // namespace

TEST(DocumentTableTest, KindsDoNotMeet) {
  memory_store db;
  document_table table{db, 0};
  applied_entry out;
  table.put(document_kind::key, "a", text("key"), 1, beginning, out);
  table.put(document_kind::gate, "a", text("gate"), 2, beginning, out);
  EXPECT_EQ(*table.find(document_kind::key, "a")->value, "key");
  EXPECT_EQ(*table.find(document_kind::gate, "a")->value, "gate");
  EXPECT_EQ(table.find(document_kind::rule, "a"), nullptr);
  EXPECT_EQ(table.key_bytes(), 4u) << "of users' keys only";
  EXPECT_EQ(out.documents.size(), 2u);
}

TEST(DocumentTableTest, EmptyPrefixIsTheWholeKind) {
  memory_store db;
  document_table table{db, 0};
  applied_entry out;
  std::string last(3, '\xff');
  for (const auto& name : {std::string{"a"}, std::string{"\0b", 2}, last})
    for (auto kind : {document_kind::key, document_kind::gate, document_kind::rule})
      table.put(kind, name, text("x"), 1, beginning, out);
  EXPECT_EQ(names_in(table, document_kind::key, "").size(), 3u);
  EXPECT_EQ(names_in(table, document_kind::rule, "").size(), 3u);
  EXPECT_EQ(names_in(table, document_kind::gate, "\xff"), std::vector{last});
}

TEST(DocumentTableTest, OtherPartitionsHaveTheirOwn) {
  memory_store db;
  document_table one{db, 1};
  applied_entry out;
  one.put(document_kind::key, "a", text("1"), 1, beginning, out);
  write(one, db);
  document_table other{db, 2};
  EXPECT_TRUE(other.all().empty());
  EXPECT_EQ((document_table{db, 1}.all().size()), 1u);
}

// Against a map, with flushes and restarts in between.
TEST(DocumentTableTest, HoldsWhatAMapHoldsAcrossRestarts) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937 random{seed};
    memory_store db;
    auto table = std::make_unique<document_table>(db, 0);
    std::map<std::string, std::pair<std::string, uint64_t>> expected;
    for (uint64_t step = 1; step <= 300; ++step) {
      std::string name;
      for (auto n = random() % 4; n > 0; --n)
        name += "ab\xff"[random() % 3];
      applied_entry out;
      if (random() % 3) {
        std::string value(random() % 20, 'v');
        table->put(document_kind::key, name, text(value), step, beginning + std::chrono::seconds{step}, out);
        expected[name] = {value, step};
      } else {
        table->put(document_kind::key, name, nullptr, step, beginning, out);
        expected.erase(name);
      }
      if (random() % 20 == 0) {
        write(*table, db);
        table = std::make_unique<document_table>(db, 0);
      }
      size_t bytes = 0;
      for (const auto& [key, value] : expected) {
        bytes += key.size() + value.first.size();
        const auto* row = table->find(document_kind::key, key);
        ASSERT_NE(row, nullptr) << "seed " << seed << " step " << step;
        ASSERT_EQ(*row->value, value.first);
        ASSERT_EQ(row->version, value.second);
      }
      ASSERT_EQ(table->all().size(), expected.size()) << "seed " << seed << " step " << step;
      ASSERT_EQ(table->key_bytes(), bytes) << "seed " << seed << " step " << step;
      auto prefix = name.substr(0, name.size() / 2);
      std::vector<std::string> with_prefix;
      for (const auto& [key, value] : expected)
        if (key.rfind(prefix, 0) == 0)
          with_prefix.push_back(key);
      ASSERT_EQ(names_in(*table, document_kind::key, prefix), with_prefix) << "seed " << seed << " step " << step;
    }
  }
}

} // namespace overwatch::test
