#pragma once

#include "actors/generator.hpp"
#include "tests/support/deterministic_node.hpp"

namespace overwatch::test {

/// What a test says that chunks give. A condition or template that is not in the tables: true, and a task of that name.
struct played_judge : rule_judge {
  failure check(const rule_definition& x) override {
    if (x.condition == "no lua" || x.make == "no lua")
      return {ec::invalid, x.make == "no lua" ? "/make" : "/condition", "make:1: syntax error"};
    return {};
  }

  rule_answer condition(const rule_record& rule, const rule_inputs& inputs) override {
    seen.push_back(inputs);
    judged.push_back(rule.name);
    auto i = conditions.find(rule.definition.condition);
    return i == conditions.end() ? rule_answer{true, {}, {}, {}} : i->second;
  }

  rule_answer make(const rule_record& rule, const rule_inputs&) override {
    const auto& text = rule.definition.make.empty() ? rule.definition.task_json : rule.definition.make;
    auto i = templates.find(text);
    return i == templates.end() ? rule_answer{true, {text}, {}, {}} : i->second;
  }

  std::map<std::string, rule_answer> conditions;
  std::map<std::string, rule_answer> templates;
  std::vector<rule_inputs> seen;
  std::vector<std::string> judged;
};

/// Reads `name` or `name|unique key`; `bad` is no task.
inline caf::expected<submission> played_task(const std::string& text) {
  if (text == "bad")
    return make_error(ec::invalid, "expected a number", "/timeout");
  auto spec = std::make_shared<task_spec>();
  auto bar = text.find('|');
  spec->name = text.substr(0, bar);
  spec->task_type = "noop";
  if (bar != std::string::npos)
    spec->unique_key = text.substr(bar + 1);
  return submission{std::move(spec), std::make_shared<const std::string>("{}")};
}

/// A node with a generator whose chunks a test plays.
class played_generator : public deterministic_node {
protected:
  played_generator() {
    options.interval = std::chrono::seconds{0};
    options.node = "here";
    options.judge = judge;
    options.parse_task = played_task;
    options.task_types = {"noop", "other"};
    options.own_thread = false;
    options.clock = [this] { return time(); };
  }

  /// By partition.
  virtual std::vector<replica_actor> replicas() { return {links.replica}; }

  void start_generator() {
    start();
    ++options.seed;
    links.generator = system_.spawn(generator, options, links.scheduler, replicas());
    spawned_.push_back(caf::actor_cast<caf::actor>(links.generator));
    caf::anon_send(gateway_handle, links);
    settle();
  }

  void restart() {
    crash(memory_store::survival::none);
    start_generator();
  }

  template <class Reply, class Request>
  Reply ask_generator(const Request& x, failure* fault = nullptr) {
    return ask<Reply>(links.generator, x, fault);
  }

  template <class Reply, class Request>
  failure refusal_of(const Request& x) {
    failure fault;
    ask_generator<Reply>(x, &fault);
    return fault;
  }

  uint64_t submitted() { return ask<stats_reply>(gateway_handle, stats_request{}).submitted; }

  std::vector<submit_receipt> generate() { return ask_generator<submit_reply>(generate_request{}).receipts; }

  std::shared_ptr<played_judge> judge = std::make_shared<played_judge>();
  generator_options options;
};

} // namespace overwatch::test
