#include "runtime/security/scan_result.hpp"

#include "runtime/handlers/json_text.hpp"
#include "runtime/handlers/output_lines.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace overwatch::security {

namespace {

namespace json = boost::json;

constexpr size_t max_listed = 50;           // ids and suppressed findings in a task's result
constexpr size_t max_shown_bytes = 400'000; // of findings in a task's result: a result has at most 1 MiB

json::object to_json(const finding& x, bool is_new) {
  json::object result{
    {"id", x.id}, {"severity", name_of(x.level)}, {"check", x.check}, {"what", x.what}, {"where", x.where}};
  if (!x.detail.empty())
    result["detail"] = x.detail;
  result["why"] = x.why;
  result["mend"] = x.mend;
  result["new"] = is_new;
  return result;
}

size_t size_of(const finding& x) {
  return x.id.size() + x.what.size() + x.where.size() + x.detail.size() + x.why.size() + x.mend.size() + 150;
}

json::array ids_of(const std::vector<std::string>& ids, bool whole) {
  json::array result;
  for (const auto& id : ids)
    if (whole || result.size() < max_listed)
      result.emplace_back(id);
  return result;
}

json::object to_json(const finding& x, const suppressions::value_type& by) {
  json::object result{{"id", x.id}, {"severity", name_of(x.level)}, {"reason", by.second.reason}, {"by", by.second.by}};
  result["until"] = by.second.until ? json::value(iso_time(*by.second.until)) : json::value(nullptr);
  return result;
}

json::array blind_spots_of(const findings& found) {
  json::array result;
  for (const auto& one : found.blind_spots())
    result.push_back(json::object{{"what", one.what}, {"why", one.why}});
  for (const auto& [rule_name, count] : found.left_out())
    result.push_back(json::object{{"what", std::to_string(count) + " more findings of the rule " + rule_name},
                                  {"why", "of one rule " + std::to_string(findings::max_per_rule) + " are kept"}});
  return result;
}

json::object looked_at(const scan_outcome& x) {
  json::object result{{"files", x.counters.files},
                      {"directories", x.counters.directories},
                      {"hashed_files", x.counters.hashed_files},
                      {"hashed_bytes", x.counters.hashed_bytes},
                      {"keys_in_tests", x.counters.keys_in_tests}};
  json::object seconds;
  for (const auto& [check, took] : x.seconds)
    seconds[check] = rounded(took, 3);
  result["seconds"] = std::move(seconds);
  json::array trees;
  for (const auto& one : x.baselines)
    trees.push_back(json::object{{"tree", valid_utf8(one.tree, findings::max_text)},
                                 {"state", one.state},
                                 {"entries", one.entries},
                                 {"changed", one.changed},
                                 {"added", one.added},
                                 {"removed", one.removed}});
  result["baselines"] = std::move(trees);
  return result;
}

} // namespace

std::array<uint64_t, severity_names.size()> counts_of(const scan_outcome& x) {
  std::array<uint64_t, severity_names.size()> result{};
  for (const auto& one : x.found.all())
    if (covering(x.suppressed, one.id, x.now) == nullptr)
      ++result[static_cast<size_t>(one.level)];
  return result;
}

json::object result_of(const scan_outcome& x, bool whole) {
  auto counts = counts_of(x);
  json::array shown, suppressed;
  uint64_t left_out = 0, suppressed_count = 0;
  size_t bytes = 0;
  for (const auto& one : x.found.all()) {
    if (const auto* by = covering(x.suppressed, one.id, x.now); by != nullptr) {
      ++suppressed_count;
      if (whole || suppressed.size() < max_listed)
        suppressed.push_back(to_json(one, *by));
      continue;
    }
    bytes += size_of(one);
    if (!whole && (shown.size() >= max_shown || bytes > max_shown_bytes)) {
      ++left_out;
      continue;
    }
    const auto& appeared = x.difference.appeared;
    auto is_new = x.compared_with.empty() ? false : std::binary_search(appeared.begin(), appeared.end(), one.id);
    shown.push_back(to_json(one, is_new));
  }
  json::object result{{"score", score_of(counts[3], counts[2])},
                      {"formula", "100 - 20 x high - 10 x medium, at least 0"},
                      {"counts",
                       {{"high", counts[3]},
                        {"medium", counts[2]},
                        {"low", counts[1]},
                        {"info", counts[0]},
                        {"suppressed", suppressed_count}}},
                      {"root", x.root},
                      {"findings", std::move(shown)},
                      {"findings_left_out", left_out},
                      {"suppressed", std::move(suppressed)}};
  json::object difference{
    {"compared_with", x.compared_with.empty() ? json::value(nullptr) : json::value(x.compared_with)},
    {"new", x.difference.appeared.size()},
    {"gone", x.difference.gone.size()},
    {"same", x.difference.same},
    {"gone_ids", ids_of(x.difference.gone, whole)}};
  result["difference"] = std::move(difference);
  result["not_looked_at"] = blind_spots_of(x.found);
  json::array checks;
  for (const auto& one : x.found.checks())
    checks.emplace_back(one);
  result["checks"] = std::move(checks);
  result["looked_at"] = looked_at(x);
  result["report"] = x.report;
  return result;
}

} // namespace overwatch::security
