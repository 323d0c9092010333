#include "runtime/maintenance/rotation_names.hpp"

#include <algorithm>

namespace overwatch::maintenance {

namespace {

constexpr size_t number_digits = 6;

} // namespace

std::optional<rotated_name> parse_rotated(const std::string& name) {
  rotated_name result;
  auto rest = name;
  for (const char* ending : {".zst", ".gz"}) {
    std::string text{ending};
    if (rest.size() > text.size() && rest.compare(rest.size() - text.size(), text.size(), text) == 0) {
      result.ending = text;
      rest.resize(rest.size() - text.size());
      break;
    }
  }
  auto dot = rest.rfind('.');
  if (dot == std::string::npos || dot == 0)
    return std::nullopt;
  auto digits = rest.substr(dot + 1);
  if (digits.empty() || digits.size() > number_digits || digits.front() == '0' ||
      digits.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  result.base = rest.substr(0, dot);
  result.number = static_cast<unsigned>(std::stoul(digits));
  return result;
}

std::vector<rotation_step> make_room(const std::string& base, const std::vector<std::string>& names,
                                     unsigned max_files) {
  std::vector<rotated_name> rotated;
  for (const auto& name : names)
    if (auto x = parse_rotated(name); x && x->base == base)
      rotated.push_back(*x);
  std::sort(rotated.begin(), rotated.end(), [](const auto& x, const auto& y) { return x.number > y.number; });
  std::vector<rotation_step> steps;
  for (auto& x : rotated) {
    auto from = x.text();
    ++x.number;
    steps.push_back({from, x.number > max_files ? std::string{} : x.text()});
  }
  return steps;
}

} // namespace overwatch::maintenance
