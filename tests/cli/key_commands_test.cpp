#include "tests/cli/command_run.hpp"
#include "tests/cli/stub_node.hpp"

#include <cstdio>
#include <fstream>
#include <gmock/gmock.h>
#include <unistd.h>

namespace overwatch::cli {

using testing::HasSubstr;

namespace {

const std::string stored =
  R"({"key":"app/mode","value":"blue","version":17,"changed_at":"2026-11-22T05:06:16.000000Z"})";
const std::string bytes{"a\0\xff\x1b[2J\nb", 9};

} // namespace

TEST(KeysTest, GetWritesTheBytes) {
  stub_node node;
  node.on("GET /keys/app%2Fmode?raw=true", {200, bytes});
  node.on("GET /keys/app%2Fmode", {200, stored});
  EXPECT_EQ(run_command({"keys", "get", "app/mode", "--url", node.url()}).out, bytes);
  EXPECT_EQ(run_command({"keys", "get", "app/mode", "--json", "--url", node.url()}).out, stored + "\n");
  EXPECT_EQ(run_command({"keys", "get", "none", "--url", node.url()}).code, 4);
}

TEST(KeysTest, AValueCannotDriveTheTerminal) {
  stub_node node;
  node.on("GET /keys/k?raw=true", {200, bytes});
  run_options options;
  options.terminal = true;
  EXPECT_EQ(run_command({"keys", "get", "k", "--url", node.url()}, options).out, "a\\x00\\xff\\x1b[2J\nb\n");
}

TEST(KeysTest, PutSendsTheBytesOfEachSource) {
  stub_node node;
  node.on("PUT /keys/app%2Fmode", {200, stored});
  EXPECT_EQ(run_command({"keys", "put", "app/mode", "blue", "--url", node.url()}).out, "app/mode  version 17\n");
  EXPECT_EQ(node.last("PUT ").body, "blue");
  EXPECT_THAT(node.last("PUT ").headers, HasSubstr("Content-Type: application/octet-stream"));

  EXPECT_EQ(run_command({"keys", "put", "app/mode", "", "--url", node.url()}).code, 0);
  EXPECT_EQ(node.last("PUT ").body, "");

  run_options options;
  options.input = bytes;
  EXPECT_EQ(run_command({"keys", "put", "app/mode", "-", "--url", node.url()}, options).code, 0);
  EXPECT_EQ(node.last("PUT ").body, bytes);

  const auto file = testing::TempDir() + "key_value_" + std::to_string(getpid());
  std::ofstream{file, std::ios::binary} << bytes;
  EXPECT_EQ(run_command({"keys", "put", "app/mode", "--file", file, "--url", node.url()}).code, 0);
  std::remove(file.c_str());
  EXPECT_EQ(node.last("PUT ").body, bytes);

  EXPECT_EQ(run_command({"keys", "put", "app/mode", "--url", node.url(), "--", "-5"}).code, 0);
  EXPECT_EQ(node.last("PUT ").body, "-5");
}

TEST(KeysTest, AValueIsBounded) {
  run_options options;
  options.input = std::string(1024 * 1024 + 1, 'x');
  const auto run = run_command({"keys", "put", "k", "-"}, options);
  EXPECT_EQ(run.code, 2);
  EXPECT_EQ(run.err, "overwatch: VALUE: more than 1.0 MiB\n");
}

TEST(KeysTest, AVersionMustMatch) {
  stub_node node;
  node.on("PUT /keys/k?version=0", {409, R"({"error":{"code":"conflict","message":"its version is 17"}})"});
  node.on("DELETE /keys/k?version=17", {200, stored});
  const auto run = run_command({"keys", "put", "k", "v", "--version", "0", "--url", node.url()});
  EXPECT_EQ(run.code, 4);
  EXPECT_THAT(run.err, HasSubstr("its version is 17"));
  EXPECT_EQ(run_command({"keys", "delete", "k", "--version", "17", "--url", node.url()}).out, "k  deleted\n");
}

TEST(KeysTest, ListIsATable) {
  stub_node node;
  node.on("GET /keys?limit=2&prefix=app%2F&after=app%2Fa",
          {200, R"({"keys":[)" + stored +
                  R"(,{"key":"app/raw","value_base64":"AAE=","version":18,"changed_at":"2026-11-22T05:06:17Z"}],
    "next":"app/raw"})"});
  const auto run =
    run_command({"keys", "list", "--limit", "2", "--prefix", "app/", "--after", "app/a", "--url", node.url()});
  EXPECT_EQ(run.out, "KEY       VERSION  CHANGED              VALUE\n"
                     "app/mode       17  2026-11-22 05:06:16  blue\n"
                     "app/raw        18  2026-11-22 05:06:17  (bytes: overwatch keys get)\n");
  EXPECT_EQ(run.err, "more: --after app/raw\n");
}

TEST(KeysTest, ListMayLeaveValuesOut) {
  stub_node node;
  node.on("GET /keys?limit=100&values=false", {200, R"({"keys":[{"key":"a","version":1}],"next":null})"});
  node.on("GET /keys?limit=100", {200, R"({"keys":[],"next":null})"});
  EXPECT_EQ(run_command({"keys", "list", "--no-values", "--url", node.url()}).out,
            "KEY  VERSION  CHANGED\na          1\n");
  EXPECT_EQ(run_command({"keys", "--url", node.url()}).out, "no keys\n");
}

TEST(KeysTest, AKeyOfDotsIsNoPath) {
  stub_node node;
  run_command({"keys", "delete", "..", "--url", node.url()});
  EXPECT_EQ(node.last("DELETE ").target, "/keys/..");
}

} // namespace overwatch::cli
