#include "tests/support/process/reserved_port.hpp"

#include "tests/support/process/http_client.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <set>

namespace overwatch::support {

namespace {

/// A socket on loopback that shares its port as servers do; closed at its end.
class server_socket {
public:
  explicit server_socket(uint16_t port) : fd_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    int on = 1;
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listens_ = bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 && listen(fd_, 1) == 0;
  }
  ~server_socket() { close(fd_); }
  server_socket(const server_socket&) = delete;
  server_socket& operator=(const server_socket&) = delete;

  bool listens() const { return listens_; }

private:
  int fd_;
  bool listens_ = false;
};

} // namespace

TEST(ReservedPortTest, PortsAreOutsideTheKernelsRange) {
  auto some = ports_outside({32'768, 60'999});
  EXPECT_EQ(some.front(), 10'000);
  EXPECT_EQ(some.back(), 65'535);
  for (auto port : some)
    EXPECT_TRUE(port < 32'768 || port > 60'999) << port;
  EXPECT_EQ(some.size(), 22'768u + 4'536u);
}

TEST(ReservedPortTest, RangeThatLeavesNoRoomIsShared) {
  EXPECT_EQ(ports_outside({1'024, 65'535}).size(), 55'536u);
  EXPECT_EQ(ports_outside({10'999, 65'535}).size(), 55'536u) << "999 are too few";
  EXPECT_EQ(ports_outside({11'000, 65'535}).size(), 1'000u);
}

TEST(ReservedPortTest, NoTwoAreTheSame) {
  std::vector<std::unique_ptr<reserved_port>> all;
  std::set<uint16_t> numbers;
  auto range = ephemeral_ports();
  auto outside = ports_outside(range).size() < 55'536u;
  for (int i = 0; i < 500; ++i) {
    all.push_back(std::make_unique<reserved_port>());
    auto number = all.back()->number();
    EXPECT_TRUE(numbers.insert(number).second) << number;
    EXPECT_TRUE(!outside || number < range.first || number > range.last) << number;
  }
}

TEST(ReservedPortTest, ServersComeAndGo) {
  reserved_port port;
  EXPECT_THROW(connect_to_loopback(port.number()), http_error) << "nobody is there";
  for (int i = 0; i < 3; ++i) {
    server_socket server{port.number()};
    ASSERT_TRUE(server.listens());
    auto client = connect_to_loopback(port.number());
    EXPECT_FALSE(server_socket{port.number()}.listens()) << "one at a time";
    close(client);
  }
}

} // namespace overwatch::support
