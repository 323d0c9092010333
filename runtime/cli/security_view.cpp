#include "runtime/cli/security_view.hpp"

#include "runtime/cli/json_fields.hpp"
#include "runtime/cli/table.hpp"
#include "runtime/cli/text.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <map>
#include <ostream>

namespace overwatch::cli {

namespace {

namespace json = boost::json;

constexpr uint64_t good_score = 80;
constexpr uint64_t fair_score = 50;

colour colour_of_severity(std::string_view severity) {
  return severity == "high" ? colour::red : severity == "medium" ? colour::yellow : colour::plain;
}

std::string counted(const json::value& counts) {
  std::string result;
  for (const auto* level : {"high", "medium", "low", "info"})
    result += (result.empty() ? "" : ", ") + format_count(count_of(counts, level)) + " " + level;
  const auto suppressed = count_of(counts, "suppressed");
  return suppressed == 0 ? result : result + "; " + format_count(suppressed) + " suppressed";
}

std::string changed(const json::value& difference) {
  const auto with = text_of(difference, "compared_with");
  if (with.empty())
    return "this is the first scan of its kind";
  return format_count(count_of(difference, "new")) + " new, " + format_count(count_of(difference, "gone")) + " gone, " +
         format_count(count_of(difference, "same")) + " as before (task " + with + ")";
}

std::string looked_at(const json::value& counters) {
  double seconds = 0;
  if (const auto* each = find_field(counters, "seconds"); each != nullptr && each->is_object())
    for (const auto& one : each->get_object())
      seconds += one.value().is_number() ? one.value().to_number<double>() : 0;
  return format_count(count_of(counters, "files")) + " files in " + format_count(count_of(counters, "directories")) +
         " directories, " + format_bytes(number_of(counters, "hashed_bytes").value_or(0)) + " compared, in " +
         format_duration(seconds);
}

void print_findings(const console& console, const json::value& result) {
  const auto& findings = list_of(result, "findings");
  table rows{{{"SEVERITY", false, true}, {"FINDING", false, true}, {"WHAT"}, {"SEEN"}}};
  for (const auto& one : findings) {
    const auto severity = text_of(one, "severity");
    rows.add({{severity, colour_of_severity(severity)},
              text_of(one, "id"),
              text_of(one, "what") + (is_true(one, "new") ? " (new)" : ""),
              text_of(one, "detail")});
  }
  if (rows.empty())
    console.out << "nothing was found\n";
  else
    rows.print(console);
  if (const auto more = count_of(result, "findings_left_out"); more > 0)
    console.out << format_count(more) << " more are in the report\n";
}

// Once for each rule: many findings are mended alike.
void print_remedies(const console& console, const json::value& result) {
  std::map<std::string, const json::value*> rules;
  for (const auto& one : list_of(result, "findings"))
    if (text_of(one, "severity") == "high" || text_of(one, "severity") == "medium") {
      const auto id = text_of(one, "id");
      rules.emplace(id.substr(0, id.find(':')), &one);
    }
  fact_list facts;
  for (const auto& [rule, one] : rules)
    facts.add("  " + rule, text_of(*one, "mend") + " -- " + text_of(*one, "why"));
  if (rules.empty())
    return;
  console.out << paint(console, colour::bold, "to mend") << '\n';
  facts.print(console);
}

void print_list(const console& console, const json::value& result, const char* field, const char* title,
                const char* first, const char* second) {
  const auto& list = list_of(result, field);
  if (list.empty())
    return;
  console.out << paint(console, colour::bold, title) << '\n';
  fact_list facts;
  for (const auto& one : list)
    facts.add("  " + printable(text_of(one, first)), text_of(one, second));
  facts.print(console);
}

} // namespace

bool print_security(const console& console, const json::value& result) {
  const auto* score = find_field(result, "score");
  const auto* counts = find_field(result, "counts");
  if (score == nullptr || counts == nullptr)
    return false;
  const auto points = count_of(result, "score");
  const auto shade = points >= good_score ? colour::green : points >= fair_score ? colour::yellow : colour::red;
  fact_list facts;
  facts.add("score", text_of(*score) + " of 100", shade);
  facts.add("findings", counted(*counts));
  if (const auto* difference = find_field(result, "difference"); difference != nullptr)
    facts.add("since the last", changed(*difference));
  if (const auto* counters = find_field(result, "looked_at"); counters != nullptr)
    facts.add("looked at", looked_at(*counters));
  facts.add("report", text_of(result, "report"));
  facts.print(console);
  print_findings(console, result);
  print_remedies(console, result);
  print_list(console, result, "suppressed", "suppressed", "id", "reason");
  print_list(console, result, "not_looked_at", "not looked at", "what", "why");
  return true;
}

} // namespace overwatch::cli
