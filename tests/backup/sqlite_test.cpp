#include "tests/backup/backup_fixture.hpp"

#include <sqlite3.h>

#include <atomic>
#include <filesystem>
#include <thread>

namespace overwatch::backup {

namespace {

/// A connection that throws.
class connection {
public:
  explicit connection(const std::string& path) {
    if (sqlite3_open(path.c_str(), &db_) != SQLITE_OK)
      throw std::runtime_error{"cannot open " + path};
    sqlite3_busy_timeout(db_, 10'000);
  }
  ~connection() { sqlite3_close(db_); }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  void run(const std::string& sql) {
    if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
      throw std::runtime_error{sqlite3_errmsg(db_)};
  }

  std::string ask(const std::string& sql) {
    std::string result;
    auto take = [](void* out, int, char** values, char**) {
      *static_cast<std::string*>(out) += values[0] ? values[0] : "null";
      return 0;
    };
    if (sqlite3_exec(db_, sql.c_str(), take, &result, nullptr) != SQLITE_OK)
      throw std::runtime_error{sqlite3_errmsg(db_)};
    return result;
  }

private:
  sqlite3* db_ = nullptr;
};

} // namespace

class SqliteTest : public BackupFixture {
protected:
  SqliteTest() { make_directory(tree()); }
};

TEST_F(SqliteTest, WhatIsOnlyInTheLogBesideItIsKept) {
  connection writer{tree("/shop.db")};
  writer.run("pragma journal_mode=wal; pragma wal_autocheckpoint=0; create table x(y); insert into x values(1)");
  ASSERT_TRUE(exists(tree("/shop.db-wal")));
  create();
  EXPECT_EQ(problems_text(), "");
  restore();
  EXPECT_EQ(connection{restored("/shop.db")}.ask("select count(*) from x"), "1");
  EXPECT_FALSE(exists(restored("/shop.db-wal")) && std::filesystem::file_size(restored("/shop.db-wal")) > 0);
  writer.run("insert into x values(2)"); // the database itself does not change
  create();
  test::remove_all(target());
  restore();
  EXPECT_EQ(connection{restored("/shop.db")}.ask("select count(*) from x"), "2");
}

TEST_F(SqliteTest, ACopyUnderLoadIsOneMomentsState) {
  {
    connection setup{tree("/bank.db")};
    setup.run("create table account(id integer primary key, money int, padding text);"
              "with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000)"
              "insert into account select i, 100, hex(randomblob(500)) from n");
  }
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> transfers{0};
  std::thread writer{[&] {
    connection db{tree("/bank.db")};
    for (uint64_t i = 0; !stop; ++i) {
      db.run("begin immediate; update account set money = money - 1, padding = hex(randomblob(500)) where id = " +
             std::to_string(1 + i * 7 % 2000) +
             "; update account set money = money + 1 where id = " + std::to_string(1 + i * 13 % 2000) + "; commit");
      ++transfers;
    }
  }};
  for (int i = 0; i < 5; ++i) {
    create();
    EXPECT_EQ(problems_text(), "");
    test::remove_all(target());
    restore();
    connection copy{restored("/bank.db")};
    EXPECT_EQ(copy.ask("select sum(money) from account"), "200000") << "no transfer is half there";
    EXPECT_EQ(copy.ask("pragma integrity_check"), "ok");
  }
  stop = true;
  writer.join();
  EXPECT_GT(transfers, 0u);
}

TEST_F(SqliteTest, AnUnchangedDatabaseIsNotReadAgain) {
  options.recent = milliseconds{0};
  connection{tree("/a.db")}.run("create table x(y)");
  create();
  auto second = create();
  EXPECT_EQ(second.counts.unchanged, 1u);
}

TEST_F(SqliteTest, OneThatIsNoneIsTakenAsItIs) {
  std::string content = "SQLite format 3";
  content += '\0';
  content += random_text(5'000, 1);
  write_file(tree("/odd"), content);
  create();
  EXPECT_EQ(problem_counts[static_cast<size_t>(problem_kind::note)], 1u) << problems_text();
  restore();
  EXPECT_EQ(read_file(restored("/odd")), content);
}

} // namespace overwatch::backup
