#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace overwatch::fuzz {

/// Damages bytes: flipped, cut, inserted, doubled and mixed ones, and lengths that cannot be. The same seed damages in
/// the same way.
class mutation {
public:
  explicit mutation(uint64_t seed) : random_{seed} {}

  /// One to four changes of one of `valid`.
  std::string operator()(const std::vector<std::string>& valid);

  uint64_t below(uint64_t end) { return end == 0 ? 0 : random_() % end; }

private:
  void change(std::string& bytes, const std::string& other);

  std::mt19937_64 random_;
};

/// Bytes that this process has taken from the heap since it began, whatever it gave back.
uint64_t allocated_bytes();

/// What reading `size` bytes may take from the heap. The factor is that of small elements in large structs.
constexpr uint64_t allowed_bytes(size_t size) { return 256 * 1024 + 400 * uint64_t{size}; }

/// Damaged inputs per decoder and sample.
inline constexpr int rounds = 3000;

} // namespace overwatch::fuzz
