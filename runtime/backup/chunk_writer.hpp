#pragma once

#include "runtime/backup/chunk_table.hpp"

#include <condition_variable>
#include <deque>
#include <exception>
#include <future>
#include <mutex>
#include <thread>
#include <unordered_set>

struct ZSTD_CCtx_s;

namespace overwatch::backup {

struct chunk_writer_options {
  int level = 3; ///< of zstd
  std::function<void()>
    before_pack; ///< throws when there is no space for another one; called on a thread of the writer's
};

struct written_chunks {
  uint64_t chunks = 0;       ///< that were not there yet
  uint64_t bytes = 0;        ///< of their content
  uint64_t stored_bytes = 0; ///< compressed and sealed
};

/// Stores chunks that are not there yet. Compresses, seals and writes on a thread of its own, and syncs a finished pack
/// while the next one fills; at most `max_waiting_bytes` wait for that. One thread calls it.
class chunk_writer {
public:
  static constexpr size_t max_waiting_bytes = 16 << 20;

  /// `aside` is the directory where packs are written before they get their names in `packs`.
  chunk_writer(const chunk_table& known, int packs, int aside, const vault& secret, chunk_writer_options options);

  /// Without `finish`, what is in no finished pack is lost.
  ~chunk_writer();

  chunk_writer(const chunk_writer&) = delete;
  chunk_writer& operator=(const chunk_writer&) = delete;

  /// The id of the content, which is stored unless it is known. Throws what went wrong with this one or one before.
  chunk_id put(std::string_view content);

  /// True for what is stored or was put.
  bool has(const chunk_id& id) const { return known_.has(id) || new_.count(id) != 0; }

  /// Stores a chunk that is known already once more: when its pack is about to go.
  void move(const chunk_id& id, std::string content);

  /// All that was put is durable when this returns.
  void finish();

  written_chunks counts() const;

private:
  struct waiting {
    chunk_id id;
    std::string content;
  };

  void enqueue(waiting&& x);
  void work();
  void store(const waiting& x);
  void end_pack();
  void publish(pack_writer& x, const std::string& name) const;

  const chunk_table& known_;
  int packs_;
  int aside_;
  const vault& secret_;
  chunk_writer_options options_;
  std::unordered_set<chunk_id, chunk_id_hash> new_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<waiting> queue_;
  size_t waiting_bytes_ = 0;
  bool ending_ = false;   // no more comes: the last pack can be finished
  bool finished_ = false; // it is
  bool abandoned_ = false;
  std::exception_ptr error_;
  written_chunks counts_;

  // Of the thread.
  std::unique_ptr<pack_writer> pack_;
  uint64_t packs_made_ = 0;
  std::future<void> publishing_;
  std::unique_ptr<ZSTD_CCtx_s, size_t (*)(ZSTD_CCtx_s*)> compressor_;
  std::string compressed_;
  std::thread thread_;
};

} // namespace overwatch::backup
