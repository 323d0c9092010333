#include "runtime/gateway_services.hpp"

#include <caf/scoped_actor.hpp>

namespace overwatch {

namespace {

class gateway_services : public node_services {
public:
  gateway_services(caf::actor_system& system, gateway_actor gateway, milliseconds timeout)
    : system_{system}, gateway_{std::move(gateway)}, timeout_{timeout} {}

  caf::expected<submit_receipt> submit(const attempt_context& from, task_spec spec, std::string payload) override {
    spec.origin = {origin_kind::task, to_string(from.task().id)};
    submit_request request{{{std::make_shared<const task_spec>(std::move(spec)),
                             std::make_shared<const std::string>(std::move(payload))}}};
    auto reply = ask<submit_reply>(request);
    if (!reply)
      return std::move(reply.error());
    auto& receipt = reply->receipts.front();
    if (receipt.error)
      return make_error(receipt.error);
    return std::move(receipt);
  }

  caf::expected<key_record> get_key(const std::string& key) override { return ask<key_record>(get_key_request{key}); }

  caf::expected<key_record> put_key(const std::string& key, std::string value,
                                    std::optional<uint64_t> expected) override {
    return ask<key_record>(put_key_request{key, std::move(value), expected});
  }

  caf::expected<key_record> remove_key(const std::string& key, std::optional<uint64_t> expected) override {
    return ask<key_record>(remove_key_request{key, expected});
  }

  caf::expected<std::vector<uint64_t>> acknowledged() override {
    auto here = ask<cluster_status>(cluster_request{});
    if (!here)
      return std::move(here.error());
    std::vector<uint64_t> result;
    for (const auto& group : here->partitions) {
      auto there = ask<cluster_status>(cluster_request{group.partition});
      if (!there)
        return std::move(there.error());
      result.push_back(there->partitions.at(0).committed);
    }
    return result;
  }

private:
  template <class Reply, class Request>
  caf::expected<Reply> ask(const Request& request) {
    caf::scoped_actor self{system_};
    caf::expected<Reply> result{caf::error{}};
    self->request(gateway_, timeout_, request)
      .receive([&](Reply& reply) { result = std::move(reply); }, [&](caf::error& error) { result = std::move(error); });
    return result;
  }

  caf::actor_system& system_;
  gateway_actor gateway_;
  milliseconds timeout_;
};

} // namespace

std::shared_ptr<node_services> make_gateway_services(caf::actor_system& system, gateway_actor gateway,
                                                     milliseconds timeout) {
  return std::make_shared<gateway_services>(system, std::move(gateway), timeout);
}

} // namespace overwatch
