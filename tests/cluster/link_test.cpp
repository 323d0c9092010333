#include "tests/config/made_certificates.hpp"
#include "tests/support/process/eventually.hpp"
#include "tests/support/process/http_client.hpp"
#include "tests/support/process/reserved_port.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

extern char** environ;

namespace overwatch::test {

namespace {

using namespace std::chrono_literals;
using support::eventually;

/// A process of `link_peer`, and what it printed.
class peer_process {
public:
  explicit peer_process(std::vector<std::string> arguments) {
    int ends[2] = {};
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
      throw std::runtime_error{"no pipe"};
    arguments.insert(arguments.begin(), LINK_PEER_BINARY);
    std::vector<char*> argv;
    for (auto& x : arguments)
      argv.push_back(x.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    auto fault = ::posix_spawn(&pid_, LINK_PEER_BINARY, &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    out_ = ends[0];
    if (fault != 0)
      throw std::runtime_error{"cannot start " LINK_PEER_BINARY};
  }

  ~peer_process() {
    signal(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ::close(out_);
  }

  peer_process(const peer_process&) = delete;
  peer_process& operator=(const peer_process&) = delete;

  void signal(int number) const { ::kill(pid_, number); }

  /// It printed this line so often by now.
  long count(const std::string& line) {
    char bytes[4096];
    for (ssize_t n = 0; (n = ::read(out_, bytes, sizeof(bytes))) > 0;)
      text_.append(bytes, static_cast<size_t>(n));
    long result = 0;
    for (size_t at = 0; (at = text_.find(line + "\n", at)) != std::string::npos; at += line.size())
      result += at == 0 || text_[at - 1] == '\n' ? 1 : 0;
    return result;
  }

  const std::string& text() const { return text_; }

private:
  pid_t pid_ = -1;
  int out_ = -1;
  std::string text_;
};

} // namespace

/// Two nodes on loopback, with and without TLS.
class LinkProcessTest : public ::testing::TestWithParam<bool> {
protected:
  std::unique_ptr<peer_process> start(const std::string& name, bool tls = GetParam()) {
    auto port = [&](const std::string& node) { return ports_[node == "a" ? 0 : 1].text(); };
    std::vector<std::string> arguments{name, port(name), "a=127.0.0.1:" + port("a") + ",b=127.0.0.1:" + port("b")};
    if (tls)
      for (const auto& file : {name + ".crt", name + ".key", std::string{"ca.crt"}})
        arguments.push_back(files_.path(file));
    return std::make_unique<peer_process>(std::move(arguments));
  }

  void start_both() {
    a_ = start("a");
    b_ = start("b");
    ASSERT_TRUE(eventually([&] { return a_->count("up b") > 0 && b_->count("up a") > 0; }, 20s))
      << a_->text() << b_->text();
  }

  made_certificates files_;
  support::reserved_port ports_[2];
  std::unique_ptr<peer_process> a_;
  std::unique_ptr<peer_process> b_;
};

INSTANTIATE_TEST_SUITE_P(Network, LinkProcessTest, ::testing::Bool(),
                         [](const auto& x) { return x.param ? "Tls" : "Plain"; });

TEST_P(LinkProcessTest, NodesFindEachOtherAndFoundACluster) {
  start_both();
  EXPECT_TRUE(eventually([&] { return a_->count("settled") == 1 && b_->count("settled") == 1; }, 20s));
  EXPECT_TRUE(eventually([&] { return a_->count("log hello from b") == 1 && b_->count("log hello from a") == 1; }, 20s))
    << a_->text() << b_->text();
}

TEST_P(LinkProcessTest, KilledNodeIsDownAtOnceAndComesBack) {
  for (const auto* killed : {"b", "a"}) {
    start_both();
    auto& victim = killed == std::string{"b"} ? b_ : a_;
    auto& witness = killed == std::string{"b"} ? a_ : b_;
    auto down = "down " + std::string{killed};
    auto up = "up " + std::string{killed};
    victim->signal(SIGKILL);
    EXPECT_TRUE(eventually([&] { return witness->count(down) == 1; }, 1500ms)) << killed << witness->text();
    victim.reset();
    victim = start(killed);
    EXPECT_TRUE(eventually([&] { return witness->count(up) == 2; }, 20s)) << killed << witness->text();
    a_.reset();
    b_.reset();
  }
}

TEST_P(LinkProcessTest, StoppedNodeIsDownWithinThreeSecondsAndComesBack) {
  start_both();
  b_->signal(SIGSTOP);
  EXPECT_TRUE(eventually([&] { return a_->count("down b") == 1; }, 3s)) << a_->text();
  b_->signal(SIGCONT);
  EXPECT_TRUE(eventually([&] { return a_->count("up b") == 2 && b_->count("up a") == 2; }, 20s))
    << a_->text() << b_->text();
}

// -- certificates --------------------------------------------------------------

class LinkSecurityTest : public LinkProcessTest {};

INSTANTIATE_TEST_SUITE_P(Network, LinkSecurityTest, ::testing::Values(true), [](const auto&) { return "Tls"; });

TEST_P(LinkSecurityTest, StrangerWithoutACertificateIsRefused) {
  a_ = start("a");
  b_ = start("b", false);
  EXPECT_FALSE(eventually([&] { return a_->count("up b") + b_->count("up a") > 0; }, 4s)) << a_->text() << b_->text();
  b_.reset();
  b_ = start("b"); // the node itself did not suffer
  EXPECT_TRUE(eventually([&] { return a_->count("up b") == 1; }, 20s)) << a_->text();
}

TEST_P(LinkSecurityTest, StrangersAtThePortDisturbNoLink) {
  start_both();
  for (int i = 0; i < 10; ++i)
    for (std::string_view said : {"", "GET / HTTP/1.1\r\n\r\n"}) {
      int fd = support::connect_to_loopback(ports_[i % 2].number());
      ASSERT_EQ(::send(fd, said.data(), said.size(), MSG_NOSIGNAL), static_cast<ssize_t>(said.size()));
      ::shutdown(fd, SHUT_WR);
      char byte = 0;
      while (::recv(fd, &byte, 1, 0) > 0) // until it has been refused
        continue;
      ::close(fd);
    }
  EXPECT_FALSE(eventually([&] { return a_->count("down b") + b_->count("down a") > 0; }, 2s))
    << a_->text() << b_->text();
}

TEST_P(LinkSecurityTest, StrangerOfAnotherAuthorityIsRefused) {
  a_ = start("a");
  auto port = [&](int i) { return ports_[i].text(); };
  b_ = std::make_unique<peer_process>(std::vector<std::string>{
    "b", port(1), "a=127.0.0.1:" + port(0) + ",b=127.0.0.1:" + port(1), files_.path("other-ca.crt"),
    files_.path("other-ca.key"), files_.path("other-ca.crt")});
  EXPECT_FALSE(eventually([&] { return a_->count("up b") + b_->count("up a") > 0; }, 4s)) << a_->text() << b_->text();
  b_.reset();
  b_ = start("b");
  EXPECT_TRUE(eventually([&] { return a_->count("up b") == 1; }, 20s)) << a_->text();
}

} // namespace overwatch::test
