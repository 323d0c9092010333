#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch::security {

enum class severity : uint8_t { info, low, medium, high };
inline constexpr std::array<std::string_view, 4> severity_names{"info", "low", "medium", "high"};
inline std::string_view name_of(severity x) { return severity_names[static_cast<size_t>(x)]; }

/// One kind of weakness. All texts are static.
struct rule {
  std::string_view name; ///< [a-z0-9-], the first part of a finding's id
  severity level;
  std::string_view what; ///< a sentence without a full stop
  std::string_view why;  ///< why it matters
  std::string_view mend; ///< how to mend it
};

/// Every rule that there is, sorted by name.
const std::vector<rule>& rules();

/// Throws std::logic_error for a name that is none.
const rule& rule_named(std::string_view name);

struct finding {
  std::string id; ///< `rule:where`, the same in every scan
  severity level = severity::info;
  std::string check; ///< that found it
  std::string what;
  std::string where;  ///< a path, an account, an address
  std::string detail; ///< what was seen; may differ from scan to scan
  std::string why;
  std::string mend;
};

/// Something that could not be looked at.
struct blind_spot {
  std::string what;
  std::string why;
};

/// What the checks of one scan have to say. Bounded: of one rule `max_per_rule` findings are kept and the others
/// counted.
class findings {
public:
  static constexpr size_t max_per_rule = 1000;
  static constexpr size_t max_blind_spots = 100;
  static constexpr size_t max_text = 1024; ///< bytes of a path or a detail

  /// Names the check that adds from now on, and marks it as looked at.
  void begin(std::string_view check);

  /// The check that runs could not look at what matters: its findings of the last scan are not gone.
  void cannot_look(std::string what, std::string why);

  /// Some of what the check looks at could not be seen.
  void partly_blind(std::string what, std::string why);

  void add(std::string_view rule_name, std::string_view where, std::string_view detail = {});
  void add_at(severity level, std::string_view rule_name, std::string_view where, std::string_view detail = {});
  void add(finding x); ///< with texts of another program

  const std::vector<finding>& all() const { return all_; }
  const std::vector<blind_spot>& blind_spots() const { return blind_spots_; }
  const std::set<std::string>& checks() const { return checks_; } ///< that could look at what matters

  /// Findings that were not kept, by rule.
  const std::map<std::string, uint64_t>& left_out() const { return left_out_; }

  /// The most severe first, then by id.
  void sort();

private:
  std::string check_;
  std::vector<finding> all_;
  std::set<std::string> ids_;
  std::map<std::string, uint64_t> per_rule_;
  std::map<std::string, uint64_t> left_out_;
  std::vector<blind_spot> blind_spots_;
  std::set<std::string> checks_;
};

/// 100 - 20 for each high - 10 for each medium one, at least 0.
int score_of(uint64_t high, uint64_t medium);

/// The id of a finding of a rule: at most `max_id` bytes of UTF-8; a longer place ends in its hash.
std::string id_of(std::string_view rule_name, std::string_view where);
inline constexpr size_t max_id = 400;

} // namespace overwatch::security
