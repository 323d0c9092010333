#include "tests/support/process/node_process.hpp"

#include "tests/support/process/http_client.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace overwatch::support {

namespace {

using clock = std::chrono::steady_clock;

/// Between two questions whether a starting node is ready.
constexpr std::chrono::milliseconds ready_interval{5};

/// How much of a node's log goes into an error message.
constexpr size_t log_tail_bytes = 4000;

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      result += '\\';
    result += c;
  }
  return result + "\"";
}

/// As exec wants it; good as long as `texts` is.
std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts)
    result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

bool is_ready(uint16_t port) {
  try {
    http_client client{port, std::chrono::seconds{5}};
    return client.get("/api/overwatch/health/ready").status == 200;
  } catch (const http_error&) {
    return false;
  }
}

} // namespace

std::string built_node_binary() {
  auto self = std::filesystem::read_symlink("/proc/self/exe");
  for (auto folder = self.parent_path(); folder != folder.root_path(); folder = folder.parent_path())
    if (auto candidate = folder / "runtime" / "overwatch"; std::filesystem::is_regular_file(candidate))
      return candidate.string();
  return {};
}

node_process::node_process(node_options options, const std::string& parent)
  : options_{std::move(options)}, directory_{parent}, http_port_{options_.network} {
  if (options_.caf)
    caf_port_.emplace(options_.network);
  if (options_.data_dir.empty())
    options_.data_dir = directory() + "/data";
  write_config();
}

node_process::~node_process() { kill(); }

void node_process::write_config() const {
  std::ofstream file{directory() + "/overwatch.conf"};
  file << "log {\n  level = " << quoted(options_.log_level) << "\n  format = \"text\"\n}\n";
  file << "tasks {\n  max-concurrent-tasks = " << options_.max_concurrent_tasks << "\n  generation-interval = 0s\n";
  file << "  max-lost = " << options_.max_lost << "\n";
  file << "  slots {\n";
  for (const auto& [type, slots] : options_.slots)
    file << "    " << type << " = " << slots << "\n";
  file << "  }\n}\n";
  if (!options_.commands.empty()) {
    file << "commands {\n";
    for (const auto& [name, argv] : options_.commands) {
      file << "  " << name << " {\n    argv = [";
      for (size_t i = 0; i < argv.size(); ++i)
        file << (i == 0 ? "" : ", ") << quoted(argv[i]);
      file << "]\n  }\n";
    }
    file << "}\n";
  }
  file << options_.more_config << "\n";
  if (!file.flush())
    throw std::runtime_error{"cannot write " + directory() + "/overwatch.conf"};
}

std::vector<std::string> node_process::command_line() const {
  std::vector<std::string> result{options_.binary,      "start",
                                  "--config-file",      directory() + "/overwatch.conf",
                                  "--data-dir",         options_.data_dir,
                                  "--http",             "127.0.0.1:" + http_port_.text()};
  if (caf_port_)
    result.insert(result.end(), {"--caf", "127.0.0.1:" + caf_port_->text()});
  return result;
}

void node_process::start() {
  if (running())
    throw std::logic_error{"the node runs already"};
  auto log = directory() + "/node.log";
  auto arguments = command_line();
  auto argv = pointers_to(arguments);
  std::vector<std::string> environment;
  for (auto** entry = environ; *entry != nullptr; ++entry)
    environment.emplace_back(*entry);
  environment.insert(environment.end(), options_.environment.begin(), options_.environment.end());
  auto envp = pointers_to(environment);
  auto owner = getpid();
  pid_ = fork();
  if (pid_ < 0)
    throw std::system_error{errno, std::generic_category(), "fork"};
  if (pid_ == 0) { // only calls that are safe after a fork of a program with threads
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != owner)
      _exit(127);
    int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    int in = open("/dev/null", O_RDONLY);
    int network = options_.network.empty() ? -1 : open(options_.network.c_str(), O_RDONLY | O_CLOEXEC);
    if (out < 0 || in < 0 || (!options_.network.empty() && setns(network, CLONE_NEWNET) != 0))
      _exit(127);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    execve(argv[0], argv.data(), envp.data());
    _exit(127);
  }
  pid_fd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (pid_fd_ < 0)
    throw std::system_error{errno, std::generic_category(), "pidfd_open"};
  auto limit = clock::now() + start_limit;
  while (!options_.waits_for_others && !is_ready(http_port())) {
    if (wait_for_end(ready_interval))
      throw std::runtime_error{"the node ended while it started (status " + std::to_string(status_) + "):\n" +
                               log_tail()};
    if (clock::now() > limit) {
      kill();
      throw std::runtime_error{"the node was not ready in time:\n" + log_tail()};
    }
  }
}

bool node_process::wait_for_end(std::chrono::milliseconds limit) {
  pollfd ended{pid_fd_, POLLIN, 0};
  if (poll(&ended, 1, static_cast<int>(limit.count())) <= 0)
    return false;
  waitpid(pid_, &status_, 0);
  close(pid_fd_);
  pid_ = pid_fd_ = -1;
  return true;
}

void node_process::freeze() { frozen_ = running() && ::kill(pid_, SIGSTOP) == 0; }

void node_process::thaw() {
  if (frozen_)
    ::kill(pid_, SIGCONT);
  frozen_ = false;
}

void node_process::kill() {
  if (!running())
    return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, &status_, 0);
  close(pid_fd_);
  pid_ = pid_fd_ = -1;
  frozen_ = false;
}

void node_process::stop() {
  if (!running())
    return;
  ::kill(pid_, SIGTERM);
  if (!wait_for_end(stop_limit)) {
    kill();
    throw std::runtime_error{"the node did not stop in time:\n" + log_tail()};
  }
  if (!WIFEXITED(status_) || WEXITSTATUS(status_) != 0)
    throw std::runtime_error{"the node ended with status " + std::to_string(status_) + ":\n" + log_tail()};
}

uint64_t node_process::resident_bytes() const {
  std::ifstream file{"/proc/" + std::to_string(pid_) + "/status"};
  for (std::string line; std::getline(file, line);)
    if (line.rfind("VmRSS:", 0) == 0)
      return std::stoull(line.substr(6)) * 1024;
  throw std::runtime_error{"the node's memory cannot be read: it has ended"};
}

std::string node_process::log_tail() const {
  std::ifstream file{directory() + "/node.log"};
  std::stringstream text;
  text << file.rdbuf();
  auto all = text.str();
  return all.size() <= log_tail_bytes ? all : all.substr(all.size() - log_tail_bytes);
}

} // namespace overwatch::support
