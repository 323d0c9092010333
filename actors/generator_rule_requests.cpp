#include "actors/generator.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <utility>

/// What clients ask of the generator about rules. Each request that judges or writes has its turn: see `next`.
namespace overwatch {

namespace {

constexpr auto propose_timeout = std::chrono::seconds{30};
constexpr auto check_timeout = std::chrono::seconds{60};

failure too_many(size_t waiting) {
  if (waiting < max_waiting_requests)
    return {};
  return {ec::overloaded, {}, "too many requests wait for the rules; try again in a moment"};
}

} // namespace

caf::result<submit_reply> generator_state::generate() {
  if (auto fault = not_loaded())
    return make_error(fault);
  auto promise = self_->make_response_promise<submit_reply>();
  begin_round(promise);
  return promise;
}

caf::result<rules_reply> generator_state::rules() const {
  if (auto fault = not_loaded())
    return make_error(fault);
  return rules_reply{book_.list()};
}

caf::result<rule_record> generator_state::rule(const rule_request& x) const {
  if (auto fault = not_loaded())
    return make_error(fault);
  const auto* record = book_.find(x.name);
  if (record == nullptr)
    return make_error(ec::not_found, "there is no rule \"" + x.name + "\"");
  return *record;
}

caf::result<rule_record> generator_state::put(const put_rule_request& x) {
  for (const auto& fault : {not_loaded(), too_many(requests_.size())})
    if (fault)
      return make_error(fault);
  auto promise = self_->make_response_promise<rule_record>();
  run([this, x, promise]() mutable {
    auto refuse = [this, promise](const failure& fault) mutable {
      promise.deliver(make_error(fault));
      done();
    };
    auto record = book_.put(x.name, x.definition);
    if (!record) {
      refuse(describe(record.error()));
      return;
    }
    auto write = [this, promise, refuse, record = *record]() mutable {
      store(record, [this, promise, refuse, record](const failure& fault) mutable {
        if (fault) {
          refuse(fault);
          return;
        }
        book_.stored(record);
        promise.deliver(record);
        done();
      });
    };
    if (record->built_in) {
      write();
      return;
    }
    self_->request(worker_, check_timeout, check_rule_request{record->definition})
      .then(
        [refuse, write](const check_rule_reply& checked) mutable {
          if (checked.fault)
            refuse(checked.fault);
          else
            write();
        },
        [refuse](const caf::error& error) mutable { refuse(describe(error)); });
  });
  return promise;
}

caf::result<rule_record> generator_state::remove(const remove_rule_request& x) {
  for (const auto& fault : {not_loaded(), too_many(requests_.size())})
    if (fault)
      return make_error(fault);
  auto promise = self_->make_response_promise<rule_record>();
  run([this, name = x.name, promise]() mutable {
    auto record = book_.remove(name);
    if (!record) {
      promise.deliver(record.error());
      done();
      return;
    }
    propose_request request;
    request.commands.emplace_back(put_command{document_kind::rule, name, std::nullopt, std::nullopt});
    self_->request(scheduler_, propose_timeout, std::move(request))
      .then(
        [this, name, promise, record = *record](const propose_reply& reply) mutable {
          const auto& fault = reply.results.front().error;
          if (fault && fault.code != ec::not_found) {
            promise.deliver(make_error(fault));
          } else {
            book_.removed(name);
            promise.deliver(std::move(record));
          }
          done();
        },
        [this, name, promise](const caf::error& error) mutable {
          if (describe(error).code == ec::timed_out)
            doubt(document_kind::rule, name);
          promise.deliver(error);
          done();
        });
  });
  return promise;
}

caf::result<test_rule_reply> generator_state::test(const test_rule_request& x) {
  for (const auto& fault : {not_loaded(), too_many(requests_.size())})
    if (fault)
      return make_error(fault);
  auto promise = self_->make_response_promise<test_rule_reply>();
  run([this, x, promise] { test_now(x, promise); });
  return promise;
}

// A definition to try is looked at as if it were the stored rule's, if there is one.
void generator_state::test_now(const test_rule_request& x, caf::typed_response_promise<test_rule_reply> promise) {
  auto refuse = [this, promise](const caf::error& error) mutable {
    promise.deliver(error);
    done();
  };
  const auto* stored = book_.find(x.name);
  rule_record record;
  if (x.definition) {
    auto tried = book_.put(x.name.empty() ? "trial" : x.name, *x.definition);
    if (!tried) {
      refuse(tried.error());
      return;
    }
    record = std::move(*tried);
  } else if (stored == nullptr) {
    refuse(make_error(ec::not_found, "there is no rule \"" + x.name + "\""));
    return;
  } else {
    record = *stored;
  }
  with_inputs([this, record = std::move(record), promise, refuse](rule_inputs inputs) mutable {
    auto request = judge_request_of(record, std::move(inputs));
    request.trial = true;
    self_->request(worker_, check_timeout, std::move(request))
      .then(
        [this, promise](judge_reply& reply) mutable {
          test_rule_reply answer;
          answer.holds = reply.holds;
          answer.would_fire = reply.decision.fires;
          answer.why = std::move(reply.decision.why);
          answer.tasks = std::move(reply.texts);
          answer.error = std::move(reply.error);
          answer.printed = std::move(reply.printed);
          promise.deliver(std::move(answer));
          done();
        },
        [refuse](const caf::error& error) mutable { refuse(error); });
  });
}

} // namespace overwatch
