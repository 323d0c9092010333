#pragma once

#include <caf/deserializer.hpp>
#include <caf/detail/stringification_inspector.hpp>
#include <caf/error.hpp>
#include <caf/serializer.hpp>

#include <memory>
#include <optional>
#include <string>

/// CAF 0.17 cannot inspect these standard types. The overloads are found because the inspectors live in
/// namespace caf.
namespace caf {

template <class T>
error inspect(serializer& f, std::optional<T>& x) {
  bool present = x.has_value();
  if (auto err = f(present))
    return err;
  return present ? f(*x) : error{};
}

template <class T>
error inspect(deserializer& f, std::optional<T>& x) {
  bool present = false;
  if (auto err = f(present))
    return err;
  if (!present) {
    x.reset();
    return {};
  }
  return f(x.emplace());
}

/// Immutable values travel by pointer inside a process and by value between processes.
template <class T>
error inspect(serializer& f, std::shared_ptr<const T>& x) {
  bool present = x != nullptr;
  if (auto err = f(present))
    return err;
  return present ? f(const_cast<T&>(*x)) : error{}; // a serializer only reads
}

template <class T>
error inspect(deserializer& f, std::shared_ptr<const T>& x) {
  bool present = false;
  if (auto err = f(present))
    return err;
  if (!present) {
    x.reset();
    return {};
  }
  auto value = std::make_shared<T>();
  if (auto err = f(*value))
    return err;
  x = std::move(value);
  return {};
}

namespace detail {

template <class T>
void inspect(stringification_inspector& f, std::optional<T>& x) {
  if (x)
    f(*x);
  else
    f(std::string{"none"});
}

template <class T>
void inspect(stringification_inspector& f, std::shared_ptr<const T>& x) {
  if (x)
    f(const_cast<T&>(*x));
  else
    f(std::string{"none"});
}

} // namespace detail

} // namespace caf
