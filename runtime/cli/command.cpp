#include "runtime/cli/command.hpp"

#include "runtime/cli/json_fields.hpp"

#include <cmath>
#include <ostream>

namespace overwatch::cli {

rest_client command_context::client() const {
  return {options.url, milliseconds{std::llround(options.timeout_seconds * 1000)}};
}

void command_context::print_raw(const std::string& body) const {
  console.out << body;
  if (body.empty() || body.back() != '\n')
    console.out << '\n';
}

boost::json::value content_of(const rest_reply& reply) {
  auto content = parse_json(reply.body);
  if (!content)
    throw command_failure{exit_code::server, "the answer is not JSON: is there an overwatch node at this URL?"};
  return std::move(*content);
}

void runs(CLI::App* command, command_context& context, std::function<exit_code()> action) {
  command->callback([&context, action = std::move(action)] { context.action = action; });
}

CLI::App* add_group(CLI::App& app, command_context& context, const char* name, const char* meaning,
                    std::function<exit_code()> action) {
  auto* group = app.add_subcommand(name, meaning);
  group->require_subcommand(0, 1);
  // Called after that of a command in the group.
  group->callback([&context, group, action = std::move(action)] {
    if (group->get_subcommands().empty())
      context.action = action;
  });
  return group;
}

} // namespace overwatch::cli
