#include "runtime/cli/command.hpp"

#include "messages/key_value.hpp"
#include "runtime/cli/arguments.hpp"
#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/table.hpp"
#include "runtime/cli/text.hpp"

#include <boost/json.hpp>
#include <memory>
#include <ostream>

/// `overwatch keys ...`
namespace overwatch::cli {

namespace {

constexpr uint32_t most_per_request = 1000; // the node's own limit

std::string key_path(const std::string& key, std::optional<uint64_t> version = std::nullopt) {
  return "/keys/" + percent_encode(key) + (version ? "?version=" + std::to_string(*version) : "");
}

// A terminal only shows the value; everything else gets its bytes.
void write_value(const console& console, std::string_view value) {
  if (!console.terminal) {
    console.out << value << std::flush;
    return;
  }
  while (!value.empty()) {
    const auto end = std::min(value.find('\n'), value.size());
    console.out << printable(value.substr(0, end)) << '\n';
    value.remove_prefix(std::min(end + 1, value.size()));
  }
}

exit_code get_key(const command_context& context, const std::string& key) {
  const auto client = context.client();
  if (context.options.json)
    context.print_raw(client.request("GET", key_path(key)).body);
  else
    write_value(context.console, client.request("GET", key_path(key) + "?raw=true").body);
  return exit_code::good;
}

struct put_options {
  std::string key, value, file;
  std::optional<uint64_t> version;
};

exit_code put_key(const command_context& context, const put_options& options, bool has_value) {
  if (has_value == !options.file.empty())
    throw usage_failure("keys put: a VALUE or --file is needed, and not both");
  auto& in = context.console.in;
  const auto value = !options.file.empty()  ? read_source(options.file, "--file", key_limits::value_bytes, in)
                     : options.value == "-" ? read_source("-", "VALUE", key_limits::value_bytes, in)
                                            : options.value;
  const auto reply =
    context.client().request("PUT", key_path(options.key, options.version), value, {}, rest_client::bytes_type);
  return answer(context, reply, [&](const boost::json::value& key) {
    context.console.out << printable(options.key) << "  version " << printable(text_of(key, "version")) << '\n';
  });
}

struct delete_options {
  std::string key;
  std::optional<uint64_t> version;
};

exit_code delete_key(const command_context& context, const delete_options& options) {
  const auto reply = context.client().request("DELETE", key_path(options.key, options.version));
  return answer(context, reply,
                [&](const boost::json::value&) { context.console.out << printable(options.key) << "  deleted\n"; });
}

struct list_options {
  std::string prefix, after;
  uint32_t limit = 100;
  bool without_values = false;
};

std::string value_text(const boost::json::value& key) {
  const auto* value = find_field(key, "value");
  return value == nullptr ? "(bytes: overwatch keys get)" : text_of(*value);
}

exit_code list_keys(const command_context& context, const list_options& options) {
  auto path = "/keys?limit=" + std::to_string(options.limit);
  if (!options.prefix.empty())
    path += "&prefix=" + percent_encode(options.prefix);
  if (!options.after.empty())
    path += "&after=" + percent_encode(options.after);
  if (options.without_values)
    path += "&values=false";
  return answer(context, context.client().request("GET", path), [&](const boost::json::value& page) {
    std::vector<table::column> columns{{"KEY"}, {"VERSION", true, true}, {"CHANGED", false, true}};
    if (!options.without_values)
      columns.push_back({"VALUE"});
    table result{columns};
    for (const auto& key : list_of(page, "keys")) {
      std::vector<table::cell> cells{text_of(key, "key"), text_of(key, "version"),
                                     short_time(text_of(key, "changed_at"))};
      if (!options.without_values)
        cells.emplace_back(value_text(key));
      result.add(std::move(cells));
    }
    if (result.empty())
      context.console.out << "no keys\n";
    else
      result.print(context.console);
    if (const auto next = text_of(page, "next"); !next.empty())
      context.console.err << "more: --after " << printable(next) << '\n';
  });
}

void add_version_option(CLI::App* command, std::optional<uint64_t>& place) {
  command
    ->add_option("--version", place,
                 "Only when the key has this version; 0: only when it is not there. The exit code "
                 "is 4 when it has another")
    ->type_name("N");
}

void add_list_command(CLI::App* keys, command_context& context) {
  auto options = std::make_shared<list_options>();
  auto* list = keys->add_subcommand("list", "Keys by name");
  list->add_option("--prefix", options->prefix, "Only those that begin so");
  list->add_option("--after", options->after, "Go on where the last list ended")->type_name("KEY");
  list->add_option("--limit", options->limit, "At most so many")
    ->check(CLI::Range(1U, most_per_request))
    ->capture_default_str();
  list->add_flag("--no-values", options->without_values, "Only names and versions");
  list->footer("Example:\n  overwatch keys list --prefix app/");
  runs(list, context, [&context, options] { return list_keys(context, *options); });
}

void add_put_command(CLI::App* keys, command_context& context) {
  auto options = std::make_shared<put_options>();
  auto* put = keys->add_subcommand("put", "Store a value; it is on disk when this returns");
  put->add_option("KEY", options->key, "Its name")->required();
  auto* value = put->add_option("VALUE", options->value, "The value; - reads standard input")->type_name("TEXT|-");
  put->add_option("--file", options->file, "The value is what this file has")->type_name("FILE");
  add_version_option(put, options->version);
  put->footer("A value that begins with a dash stands after --.\n"
              "Examples:\n"
              "  overwatch keys put app/mode blue\n"
              "  overwatch keys put app/mode green --version 17\n"
              "  overwatch keys put app/settings - < settings.json");
  runs(put, context, [&context, options, value] { return put_key(context, *options, value->count() > 0); });
}

} // namespace

void add_key_commands(CLI::App& app, command_context& context) {
  auto* keys = add_group(app, context, "keys", "The key-value space of the node; alone: lists the first keys",
                         [&context] { return list_keys(context, {}); });
  keys->footer("Examples:\n"
               "  overwatch keys put app/mode blue\n"
               "  overwatch keys get app/mode\n"
               "  overwatch keys list --prefix app/");
  add_list_command(keys, context);

  auto key = std::make_shared<std::string>();
  auto* get = keys->add_subcommand("get", "Write a value to standard output, as it is");
  get->add_option("KEY", *key, "Its name")->required();
  get->footer("With --json its version, too.\nExample:\n  overwatch keys get app/mode");
  runs(get, context, [&context, key] { return get_key(context, *key); });

  add_put_command(keys, context);

  auto options = std::make_shared<delete_options>();
  auto* remove = keys->add_subcommand("delete", "Remove a key");
  remove->add_option("KEY", options->key, "Its name")->required();
  add_version_option(remove, options->version);
  remove->footer("Example:\n  overwatch keys delete app/mode");
  runs(remove, context, [&context, options] { return delete_key(context, *options); });
}

} // namespace overwatch::cli
