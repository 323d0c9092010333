#pragma once

#include <caf/actor_control_block.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace overwatch::fuzz {

/// Fills any struct that has an `inspect` function. Handles of actors stay empty.
class random_filler {
public:
  using result_type = bool;
  static constexpr bool reads_state = false;
  static constexpr bool writes_state = true;

  explicit random_filler(uint64_t seed) : random_{seed} {}

  template <class... Ts>
  bool operator()(Ts&... xs) {
    ++depth_;
    (fill(xs), ...);
    --depth_;
    return true;
  }

private:
  uint64_t below(uint64_t end) { return random_() % end; }

  /// Few of them deep inside.
  uint64_t count() { return below(depth_ > 6 ? 1 : 4); }

  void fill(bool& x) { x = below(2) == 1; }
  void fill(double& x) { x = static_cast<double>(below(1'000'000)) / 7; }
  void fill(caf::strong_actor_ptr&) {}

  template <class T>
  std::enable_if_t<std::is_integral_v<T>> fill(T& x) {
    x = static_cast<T>(random_() >> below(64));
  }

  template <class T>
  std::enable_if_t<std::is_enum_v<T>> fill(T& x) {
    x = static_cast<T>(below(3));
  }

  void fill(std::string& x) {
    x.resize(below(3) == 0 ? 0 : below(30));
    for (auto& c : x)
      c = static_cast<char>('a' + below(26));
  }

  template <class Rep, class Period>
  void fill(std::chrono::duration<Rep, Period>& x) {
    x = std::chrono::duration<Rep, Period>{static_cast<Rep>(below(1ULL << 40))};
  }

  template <class Clock, class Duration>
  void fill(std::chrono::time_point<Clock, Duration>& x) {
    Duration since{};
    fill(since);
    x = std::chrono::time_point<Clock, Duration>{since};
  }

  template <class T>
  void fill(std::optional<T>& x) {
    if (below(2) == 1)
      fill(x.emplace());
  }

  template <class T>
  void fill(std::shared_ptr<const T>& x) {
    auto value = std::make_shared<T>();
    fill(*value);
    x = std::move(value);
  }

  template <class T>
  void fill(std::vector<T>& xs) {
    xs.resize(count());
    for (auto& x : xs)
      fill(x);
  }

  template <class T>
  void fill(std::set<T>& xs) {
    for (auto n = count(); n > 0; --n) {
      T x{};
      fill(x);
      xs.insert(std::move(x));
    }
  }

  template <class K, class V>
  void fill(std::map<K, V>& xs) {
    for (auto n = count(); n > 0; --n) {
      K key{};
      fill(key);
      fill(xs[std::move(key)]);
    }
  }

  template <class A, class B>
  void fill(std::pair<A, B>& x) {
    fill(x.first);
    fill(x.second);
  }

  template <class T>
  auto fill(T& x) -> std::void_t<decltype(inspect(std::declval<random_filler&>(), x))> {
    ++depth_;
    inspect(*this, x);
    --depth_;
  }

  std::mt19937_64 random_;
  int depth_ = 0;
};

template <class T>
T random_value(uint64_t seed) {
  T x{};
  random_filler{seed}(x);
  return x;
}

} // namespace overwatch::fuzz
