#include "runtime/backup/postgres_dump.hpp"

#include "runtime/backup/failure.hpp"
#include "runtime/handlers/process.hpp"

#include <algorithm>

namespace overwatch::backup {

namespace {

constexpr size_t kept_error_bytes = 1000;

process_options command_for(const postgres_source& x) {
  process_options result;
  // Never ask for a password: that of the user comes from ~/.pgpass.
  result.argv = {"pg_dump", "--format=custom", "--compress=0", "--no-password", "--dbname=" + x.database};
  if (!x.host.empty())
    result.argv.push_back("--host=" + x.host);
  if (x.port != 0)
    result.argv.push_back("--port=" + std::to_string(x.port));
  if (!x.user.empty())
    result.argv.push_back("--username=" + x.user);
  result.environment["PGCONNECT_TIMEOUT"] = "10";
  result.environment["PGAPPNAME"] = "overwatch";
  result.user = x.system_user;
  return result;
}

std::string run(const postgres_source& x, int stop_fd, const std::function<void(std::string_view)>& out) {
  process program;
  if (auto error = program.start(command_for(x)); !error.empty())
    return error;
  std::string said;
  auto end = program.run(stop_fd, [&](process::stream from, std::string_view bytes) {
    if (from == process::stream::output)
      out(bytes);
    else if (said.size() < kept_error_bytes)
      said += bytes.substr(0, kept_error_bytes - said.size());
  });
  if (end.stopped)
    throw stopped{};
  if (end.succeeded())
    return {};
  while (!said.empty() && said.back() == '\n')
    said.pop_back();
  std::replace(said.begin(), said.end(), '\n', ' ');
  return said.empty() ? "pg_dump ended with status " + std::to_string(end.exit_status) : said;
}

} // namespace

std::vector<dump> postgres_dumps(const std::vector<postgres_source>& databases, int stop_fd) {
  std::vector<dump> result;
  if (databases.empty())
    return result;
  process probe;
  process_options version;
  version.argv = {"pg_dump", "--version"};
  if (auto error = probe.start(version); !error.empty())
    throw backup_failed{"databases of PostgreSQL cannot be dumped: " + error +
                        "; install postgresql-client, or leave postgresql out"};
  probe.run(stop_fd, [](process::stream, std::string_view) {});
  for (const auto& x : databases) {
    auto name = (x.host.empty() ? "" : x.host + "-") + x.database + ".dump";
    std::replace(name.begin(), name.end(), '/', '_'); // a host can be the directory of a socket
    result.push_back({postgres_directory + ("/" + name),
                      [x, stop_fd](const std::function<void(std::string_view)>& out) { return run(x, stop_fd, out); }});
  }
  return result;
}

} // namespace overwatch::backup
