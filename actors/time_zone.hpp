#pragma once

#include "messages/time.hpp"

#include <caf/expected.hpp>

#include <string>

namespace date {
class time_zone;
} // namespace date

namespace overwatch {

/// A stretch in which the clocks of a zone have one offset from UTC. Times are seconds since 1970 in UTC; the wall
/// clock shows `utc + offset`.
struct zone_period {
  std::chrono::seconds begin{0};
  std::chrono::seconds end{0}; ///< first second after it; far away when there is none
  std::chrono::seconds offset{0};
};

/// A time zone of the machine's database (IANA names). The database is read once, when the first zone is looked up; it
/// knows the changes of daylight saving until 2037, after that the zone stays as it is then.
class time_zone {
public:
  /// `invalid` for an unknown name, with the ones that are like it.
  static caf::expected<time_zone> find(const std::string& name);

  zone_period at(std::chrono::seconds utc) const;

private:
  explicit time_zone(const date::time_zone* zone) : zone_{zone} {}

  const date::time_zone* zone_; // lives as long as the process
};

} // namespace overwatch
