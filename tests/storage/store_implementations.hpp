#pragma once

#include "tests/storage/temporary_directory.hpp"
#include "tests/support/memory_store.hpp"

#include <gtest/gtest.h>

/// What the conformance suites of `overwatch::store` run over.
namespace overwatch::test {

class memory_case {
public:
  store& get() { return store_; }

  /// What a start finds after a crash now.
  std::unique_ptr<store> after_crash() { return store_.lose_unsynced(memory_store::survival::none); }

private:
  memory_store store_;
};

class rocks_case {
public:
  store& get() { return *store_; }

  std::unique_ptr<store> after_crash() {
    auto copy = directory_.inside("copy");
    std::filesystem::copy(directory_.inside("data"), copy, std::filesystem::copy_options::recursive);
    return open_small(copy);
  }

private:
  temporary_directory directory_;
  std::unique_ptr<rocks_store> store_ = open_small(directory_.inside("data"));
};

using store_implementations = testing::Types<memory_case, rocks_case>;

} // namespace overwatch::test
