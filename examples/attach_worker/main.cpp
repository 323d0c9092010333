// Executes tasks of type `resize` for Overwatch, until SIGTERM or SIGINT; then finishes what it has.
//
//   attach_worker HOST:PORT[,HOST:PORT...] [SLOTS]

#include <messages/client/client.hpp>

#include <csignal>
#include <cstdio>
#include <iostream>
#include <sstream>

namespace {

// A real program takes a JSON library for the payload, and one for images for the work.
std::string resize(overwatch::remote_attempt& attempt) {
  int width = 0;
  int height = 0;
  int to = 0;
  if (std::sscanf(attempt.payload().c_str(), R"({"width":%d,"height":%d,"to":%d})", &width, &height, &to) != 3 ||
      width < 1)
    throw overwatch::attempt_failed{"the payload needs width, height and to", false};
  attempt.log(overwatch::log_level::info, "from " + std::to_string(width) + " to " + std::to_string(to));
  for (int percent = 0; percent < 100; percent += 25) {
    attempt.progress(percent, "resizing");
    if (attempt.wait_for(std::chrono::milliseconds{10}))
      throw overwatch::attempt_failed{"told to stop"};
  }
  return R"({"width":)" + std::to_string(to) + R"(,"height":)" + std::to_string(height * to / width) + "}";
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream{text};
  for (std::string part; std::getline(stream, part, ',');)
    parts.push_back(part);
  return parts;
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: attach_worker HOST:PORT[,HOST:PORT...] [SLOTS]\n";
    return 2;
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr); // before the threads of the client begin
  try {
    overwatch::client_options options;
    options.addresses = split(argv[1]);
    options.name = "attach_worker";
    overwatch::client cluster{options};
    cluster.serve("resize", argc > 2 ? static_cast<uint32_t>(std::stoul(argv[2])) : 8, resize);
    std::cout << "serving resize" << std::endl;
    int received = 0;
    sigwait(&signals, &received);
    return cluster.leave(std::chrono::seconds{30}) ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "attach_worker: " << error.what() << '\n';
    return 1;
  }
}
