#pragma once

#include "tests/fuzz/mutation.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace overwatch::fuzz {

/// Gives `read` damaged forms of `valid`, thousands, and checks that it takes little memory. `read` answers whether it
/// accepted the bytes; it must accept the valid ones, and refuse at least one in `refuses_one_in` of the others.
inline void damage(const std::string& what, const std::vector<std::string>& valid,
                   const std::function<bool(const std::string&)>& read, int refuses_one_in = 20) {
  for (const auto& x : valid)
    ASSERT_TRUE(read(x)) << what << " refuses what is valid";
  mutation damaged{1};
  int refused = 0;
  for (int i = 0; i < rounds; ++i) {
    auto bytes = damaged(valid);
    auto before = allocated_bytes();
    refused += read(bytes) ? 0 : 1;
    ASSERT_LE(allocated_bytes() - before, allowed_bytes(bytes.size())) << what << ", round " << i;
  }
  EXPECT_GE(refused * refuses_one_in, rounds) << what;
}

} // namespace overwatch::fuzz
