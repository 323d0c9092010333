#pragma once

#include "actors/store.hpp"
#include "tests/simulation/log_node.hpp"
#include "tests/support/memory_store.hpp"

namespace overwatch::simulation {

/// What goes wrong with a disk: one in so many writes. 0: nothing.
struct disk_faults {
  uint64_t refuse_one_in = 0;  ///< there is no space for it
  uint64_t unknown_one_in = 0; ///< it says so, and has written it
  uint64_t die_one_in = 0;     ///< the power fails before or after it
};

/// The disk of a node. It outlives the lives of the node: a crash leaves what `memory_store` promises, and no more.
class faulty_store final : public store {
public:
  faulty_store(chance& random, mutation fault)
    : random_{random}, fault_{fault}, content_{std::make_unique<test::memory_store>()} {}

  disk_faults faults;
  std::function<void()> die; ///< called when the power is to fail

  /// The power has failed: nothing changes it any more until the next life.
  void lose_power();
  void start_anew();
  void wipe() { left_ = std::make_unique<test::memory_store>(); } ///< another disk, before the next life
  void fill(bool full) { content_->fill_disk(full); }

  std::optional<std::string> get(key_space space, std::string_view key) const override {
    return content_->get(space, key);
  }
  std::vector<std::optional<std::string>> get_many(key_space space,
                                                   const std::vector<std::string>& keys) const override {
    return content_->get_many(space, keys);
  }
  std::unique_ptr<store_cursor> scan(key_space space, std::string first, std::string last,
                                     bool reverse) const override {
    return content_->scan(space, std::move(first), std::move(last), reverse);
  }
  write_result write(const write_batch& batch, bool sync) override;
  write_result checkpoint() override;
  std::unique_ptr<store_reader> view() const override { return content_->view(); }
  std::unique_ptr<range_replacement> replace(std::vector<key_range> ranges) override {
    return content_->replace(std::move(ranges));
  }
  uint64_t free_bytes() const override { return content_->free_bytes(); }
  uint64_t used_bytes() const override { return content_->used_bytes(); }

private:
  bool happens(uint64_t one_in) { return one_in > 0 && random_.one_in(one_in); }
  write_batch mistaken(const write_batch& batch) const;

  chance& random_;
  mutation fault_;
  std::unique_ptr<test::memory_store> content_;
  std::unique_ptr<test::memory_store> left_; ///< by the crash
  bool dead_ = false;
};

} // namespace overwatch::simulation
