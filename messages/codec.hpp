#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

/// The binary form of what is kept on disk and inside log entries. Both classes are inspectors: they
/// walk a struct through its `inspect` function, field by field.
///
/// Integers and lengths are LEB128 (signed ones zigzag), doubles 8 bytes little-endian, strings and
/// sequences are length-prefixed, optionals have a presence byte, shared values
/// that and the length of their own bytes.
///
/// Evolution: a record may only grow by fields at its end. A decoder that reaches the end of the bytes
/// leaves the remaining fields of the *outermost* struct at their defaults, so older records stay readable; a shared
/// value is outermost in its own bytes.
namespace overwatch {

class encoder {
public:
  using result_type = bool;
  static constexpr bool reads_state = true;
  static constexpr bool writes_state = false;

  /// Appends to `out`, which must outlive the encoder.
  explicit encoder(std::string& out) : out_{out} {}

  template <class... Ts>
  bool operator()(const Ts&... xs) {
    (put(xs), ...);
    return true;
  }

  void put_size(uint64_t x) {
    while (x >= 0x80) {
      out_.push_back(static_cast<char>(x | 0x80));
      x >>= 7;
    }
    out_.push_back(static_cast<char>(x));
  }

private:
  void put(bool x) { out_.push_back(x ? 1 : 0); }

  template <class T>
  std::enable_if_t<std::is_integral_v<T>> put(T x) {
    if constexpr (std::is_signed_v<T>) {
      auto wide = static_cast<int64_t>(x);
      put_size(static_cast<uint64_t>(wide) << 1 ^ static_cast<uint64_t>(wide >> 63));
    } else {
      put_size(x);
    }
  }

  template <class T>
  std::enable_if_t<std::is_enum_v<T>> put(T x) {
    put_size(static_cast<uint64_t>(x));
  }

  void put(double x) {
    char bytes[sizeof(x)];
    std::memcpy(bytes, &x, sizeof(x));
    out_.append(bytes, sizeof(bytes));
  }

  void put(const std::string& x) {
    put_size(x.size());
    out_.append(x);
  }

  template <class Rep, class Period>
  void put(const std::chrono::duration<Rep, Period>& x) {
    put(static_cast<int64_t>(x.count()));
  }

  template <class Clock, class Duration>
  void put(const std::chrono::time_point<Clock, Duration>& x) {
    put(x.time_since_epoch());
  }

  template <class T>
  void put(const std::optional<T>& x) {
    put(x.has_value());
    if (x)
      put(*x);
  }

  template <class T>
  void put(const std::shared_ptr<const T>& x) {
    put(x != nullptr);
    if (!x)
      return;
    std::string bytes;
    encoder{bytes}.put(*x);
    put(bytes);
  }

  template <class T>
  void put(const std::vector<T>& xs) {
    put_size(xs.size());
    for (const auto& x : xs)
      put(x);
  }

  template <class K, class V>
  void put(const std::map<K, V>& xs) {
    put_size(xs.size());
    for (const auto& [key, value] : xs) {
      put(key);
      put(value);
    }
  }

  template <class T>
  auto put(const T& x) -> std::void_t<decltype(inspect(*this, const_cast<T&>(x)))> {
    inspect(*this, const_cast<T&>(x)); // an inspector that reads leaves it alone
  }

  std::string& out_;
};

class decoder {
public:
  using result_type = bool;
  static constexpr bool reads_state = false;
  static constexpr bool writes_state = true;

  /// `bytes` must outlive the decoder.
  explicit decoder(std::string_view bytes) : rest_{bytes} {}

  /// False when the bytes are damaged; the fields read so far are set then.
  bool ok() const { return ok_; }

  /// What was not read yet.
  std::string_view rest() const { return rest_; }

  template <class... Ts>
  bool operator()(Ts&... xs) {
    ++depth_;
    (get_field(xs), ...);
    --depth_;
    return ok_;
  }

  uint64_t get_size() {
    uint64_t x = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty())
        return fail();
      auto byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      x |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80)
        return x;
    }
    return fail();
  }

  /// Reads a struct by its `inspect`, which may answer with a bool whether the bytes can be right.
  template <class T>
  bool read(T& x) {
    if constexpr (std::is_same_v<decltype(inspect(*this, x)), bool>)
      ok_ = inspect(*this, x) && ok_;
    else
      inspect(*this, x);
    return ok_;
  }

private:
  static constexpr uint64_t max_reserved = 256; ///< elements; what damaged bytes claim takes no memory

  uint64_t fail() {
    ok_ = false;
    return 0;
  }

  template <class T>
  void get_field(T& x) {
    if (!ok_ || (depth_ == 1 && rest_.empty()))
      return; // damaged, or a field that is younger than the record
    get(x);
  }

  void get(bool& x) {
    if (rest_.empty()) {
      fail();
      return;
    }
    x = rest_.front() != 0;
    rest_.remove_prefix(1);
  }

  template <class T>
  std::enable_if_t<std::is_integral_v<T>> get(T& x) {
    auto raw = get_size();
    if constexpr (std::is_signed_v<T>)
      x = static_cast<T>(static_cast<int64_t>(raw >> 1) ^ -static_cast<int64_t>(raw & 1));
    else
      x = static_cast<T>(raw);
  }

  template <class T>
  std::enable_if_t<std::is_enum_v<T>> get(T& x) {
    x = static_cast<T>(get_size());
  }

  void get(double& x) {
    if (rest_.size() < sizeof(x)) {
      fail();
      return;
    }
    std::memcpy(&x, rest_.data(), sizeof(x));
    rest_.remove_prefix(sizeof(x));
  }

  void get(std::string& x) {
    auto size = get_size();
    if (size > rest_.size()) {
      fail();
      return;
    }
    x.assign(rest_.data(), size);
    rest_.remove_prefix(size);
  }

  template <class Rep, class Period>
  void get(std::chrono::duration<Rep, Period>& x) {
    int64_t count = 0;
    get(count);
    x = std::chrono::duration<Rep, Period>{static_cast<Rep>(count)};
  }

  template <class Clock, class Duration>
  void get(std::chrono::time_point<Clock, Duration>& x) {
    Duration since_epoch{};
    get(since_epoch);
    x = std::chrono::time_point<Clock, Duration>{since_epoch};
  }

  template <class T>
  void get(std::optional<T>& x) {
    bool present = false;
    get(present);
    if (present && ok_)
      get(x.emplace());
    else
      x.reset();
  }

  template <class T>
  void get(std::shared_ptr<const T>& x) {
    bool present = false;
    get(present);
    x.reset();
    if (!present || !ok_)
      return;
    std::string bytes;
    get(bytes);
    auto value = std::make_shared<T>();
    decoder inner{bytes};
    inner.get(*value);
    ok_ = ok_ && inner.ok_;
    x = std::move(value);
  }

  template <class T>
  void get(std::vector<T>& xs) {
    auto size = get_size();
    xs.clear();
    if (size > rest_.size()) { // every element takes a byte at least
      fail();
      return;
    }
    xs.reserve(std::min(size, max_reserved));
    for (uint64_t i = 0; i < size && ok_; ++i)
      get(xs.emplace_back());
  }

  template <class K, class V>
  void get(std::map<K, V>& xs) {
    auto size = get_size();
    xs.clear();
    for (uint64_t i = 0; i < size && ok_; ++i) {
      K key{};
      get(key);
      get(xs[std::move(key)]);
    }
  }

  template <class T>
  auto get(T& x) -> std::void_t<decltype(inspect(*this, x))> {
    read(x);
  }

  std::string_view rest_;
  int depth_ = 0;
  bool ok_ = true;
};

/// The bytes of `x`.
template <class T>
std::string encode(const T& x) {
  std::string out;
  encoder f{out};
  inspect(f, const_cast<T&>(x));
  return out;
}

/// Fills `x` from `bytes`; false when they are damaged.
template <class T>
[[nodiscard]] bool decode(std::string_view bytes, T& x) {
  decoder f{bytes};
  return f.read(x);
}

} // namespace overwatch
