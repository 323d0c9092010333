#include "runtime/security/finding.hpp"

#include "runtime/handlers/output_lines.hpp"

#include <algorithm>
#include <cstdio>
#include <stdexcept>

namespace overwatch::security {

namespace {

// FNV-1a: stable over releases, and only there to tell long places apart.
std::string short_hash(std::string_view text) {
  uint64_t hash = 14695981039346656037ULL;
  for (unsigned char c : text)
    hash = (hash ^ c) * 1099511628211ULL;
  char digits[17];
  std::snprintf(digits, sizeof(digits), "%016llx", static_cast<unsigned long long>(hash));
  return digits;
}

} // namespace

const rule& rule_named(std::string_view name) {
  const auto& all = rules();
  auto found =
    std::lower_bound(all.begin(), all.end(), name, [](const rule& x, std::string_view y) { return x.name < y; });
  if (found == all.end() || found->name != name)
    throw std::logic_error{"no rule is named " + std::string{name}};
  return *found;
}

std::string id_of(std::string_view rule_name, std::string_view where) {
  auto id = valid_utf8(std::string{rule_name} + ":" + std::string{where}, 2 * max_id);
  if (id.size() <= max_id)
    return id;
  return valid_utf8(id, max_id - 17) + "#" + short_hash(where);
}

int score_of(uint64_t high, uint64_t medium) {
  auto lost = std::min<uint64_t>(high, 5) * 20 + std::min<uint64_t>(medium, 10) * 10;
  return lost >= 100 ? 0 : 100 - static_cast<int>(lost);
}

void findings::begin(std::string_view check) {
  check_ = check;
  checks_.insert(check_);
}

void findings::cannot_look(std::string what, std::string why) {
  checks_.erase(check_);
  partly_blind(std::move(what), std::move(why));
}

void findings::partly_blind(std::string what, std::string why) {
  if (blind_spots_.size() < max_blind_spots)
    blind_spots_.push_back({valid_utf8(what, max_text), valid_utf8(why, max_text)});
}

void findings::add(std::string_view rule_name, std::string_view where, std::string_view detail) {
  add_at(rule_named(rule_name).level, rule_name, where, detail);
}

void findings::add_at(severity level, std::string_view rule_name, std::string_view where, std::string_view detail) {
  const auto& is = rule_named(rule_name);
  add({id_of(rule_name, where), level, check_, std::string{is.what}, std::string{where}, std::string{detail},
       std::string{is.why}, std::string{is.mend}});
}

void findings::add(finding x) {
  auto rule_name = x.id.substr(0, x.id.find(':'));
  if (ids_.count(x.id) > 0)
    return;
  if (++per_rule_[rule_name] > max_per_rule) {
    ++left_out_[rule_name];
    return;
  }
  x.check = check_;
  for (auto* text : {&x.what, &x.where, &x.detail, &x.why, &x.mend})
    *text = valid_utf8(*text, max_text);
  ids_.insert(x.id);
  all_.push_back(std::move(x));
}

void findings::sort() {
  std::sort(all_.begin(), all_.end(),
            [](const finding& x, const finding& y) { return x.level != y.level ? x.level > y.level : x.id < y.id; });
}

} // namespace overwatch::security
