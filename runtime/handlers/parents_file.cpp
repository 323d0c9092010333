#include "runtime/handlers/parents_file.hpp"

#include "runtime/handlers/json_text.hpp"
#include "runtime/handlers/owned_fd.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace overwatch {

namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error{errno, std::system_category(), what};
}

std::string text_of(const std::vector<parent_result>& parents) {
  boost::json::array list;
  for (const auto& x : parents) {
    boost::json::error_code error;
    boost::json::value result;
    if (x.result && !x.result->empty())
      result = boost::json::parse(*x.result, error);
    list.push_back(
      {{"name", x.name}, {"id", to_string(x.id)}, {"status", name_of(x.status)}, {"result", std::move(result)}});
  }
  return json_text(list);
}

void give_to(int fd, const std::string& user) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16 * 1024);
  if (auto error = ::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found); error != 0 || !found)
    throw std::system_error{error ? error : ENOENT, std::system_category(), "user " + user};
  if (::fchown(fd, entry.pw_uid, entry.pw_gid) != 0)
    fail("the file with the results of parents");
}

} // namespace

parents_file::parents_file(const std::vector<parent_result>& parents, const std::string& user) {
  if (parents.empty())
    return;
  const auto* directory = ::getenv("TMPDIR");
  path_ = std::string{directory && *directory ? directory : "/tmp"} + "/overwatch-parents.XXXXXX";
  owned_fd fd{::mkostemp(path_.data(), O_CLOEXEC)};
  if (fd.get() < 0) {
    path_.clear();
    fail("the file with the results of parents");
  }
  auto text = text_of(parents);
  try {
    for (size_t done = 0; done < text.size();) {
      auto count = ::write(fd.get(), text.data() + done, text.size() - done);
      if (count < 0 && errno != EINTR)
        fail("the file with the results of parents");
      done += count > 0 ? static_cast<size_t>(count) : 0;
    }
    if (!user.empty())
      give_to(fd.get(), user);
  } catch (...) {
    ::unlink(path_.c_str());
    throw;
  }
}

parents_file::~parents_file() {
  if (!path_.empty())
    ::unlink(path_.c_str());
}

} // namespace overwatch
