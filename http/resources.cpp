#include "http/json_text.hpp"
#include "http/service.hpp"
#include "http/task_json.hpp"

/// What the nodes have for tasks that ask for resources.
namespace overwatch::http {

namespace {

response resources(service& s, const request&) {
  auto reply = s.ask<resources_reply>(resources_request{});
  if (!reply)
    return error_response(reply.error());
  response out;
  object_writer json{out.body};
  auto& list = json.member("nodes");
  append_array(list, reply->nodes, [&](const node_resources& x) {
    object_writer node{list};
    node.text("node", x.node)
      .number("cpus", x.cpus)
      .integer("memory_mb", x.memory_mb)
      .number("cpu_held", x.cpu_held)
      .integer("memory_mb_held", x.memory_mb_held)
      .number("io_held", x.io_held)
      .text_or_null("reserved_for", x.reserved_for ? text_of(*x.reserved_for) : std::string{})
      .map("labels", x.labels)
      .integer("running", x.running)
      .boolean("present", x.present)
      .boolean("draining", x.draining)
      .time("drain_until", x.drain_until)
      .close();
  });
  json.close();
  return out;
}

} // namespace

std::vector<route> resource_routes() { return {{"GET", "/api/overwatch/resources", "", resources}}; }

} // namespace overwatch::http
