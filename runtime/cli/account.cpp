#include "runtime/cli/account.hpp"

#include <boost/json.hpp>
#include <pwd.h>
#include <unistd.h>

namespace overwatch::cli {

namespace {

// The number of the user when he has no name.
std::string login_name() {
  constexpr size_t longest_entry = 16 * 1024;
  std::string buffer(longest_entry, '\0');
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr)
    return found->pw_name;
  return "user " + std::to_string(geteuid());
}

} // namespace

void add_account_options(CLI::App* command, account& place, bool reason_needed) {
  command->add_option("--reason", place.reason, "Why; goes into the history")
    ->type_name("TEXT")
    ->required(reason_needed);
  command->add_option("--by", place.by, "Who [your login name]")->type_name("WHO");
}

boost::json::object body_of(const account& who) {
  boost::json::object body{{"by", who.by.empty() ? login_name() : who.by}};
  if (!who.reason.empty())
    body["reason"] = who.reason;
  return body;
}

} // namespace overwatch::cli
