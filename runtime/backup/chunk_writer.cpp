#include "runtime/backup/chunk_writer.hpp"

#include "runtime/backup/chunker.hpp"

#include <fcntl.h>
#include <zstd.h>

#include <cstdio>

namespace overwatch::backup {

namespace {

constexpr const char* sync_target = "the repository's packs";

} // namespace

chunk_writer::chunk_writer(const chunk_table& known, int packs, int aside, const vault& secret,
                           chunk_writer_options options)
  : known_{known}, packs_{packs}, aside_{aside}, secret_{secret}, options_{std::move(options)},
    compressor_{ZSTD_createCCtx(), &ZSTD_freeCCtx}, thread_{[this] { work(); }} {}

chunk_writer::~chunk_writer() {
  {
    std::lock_guard guard{mutex_};
    abandoned_ = true;
  }
  changed_.notify_all();
  thread_.join();
  if (publishing_.valid())
    publishing_.wait();
  if (pack_)
    ::unlinkat(aside_, pack_->name().c_str(), 0);
}

chunk_id chunk_writer::put(std::string_view content) {
  auto id = secret_.id_of(content);
  if (!has(id))
    move(id, std::string{content});
  return id;
}

void chunk_writer::move(const chunk_id& id, std::string content) {
  if (new_.insert(id).second)
    enqueue({id, std::move(content)});
}

void chunk_writer::enqueue(waiting&& x) {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [&] { return waiting_bytes_ < max_waiting_bytes || error_; });
  if (error_)
    std::rethrow_exception(error_);
  waiting_bytes_ += x.content.size();
  queue_.push_back(std::move(x));
  lock.unlock();
  changed_.notify_all();
}

void chunk_writer::finish() {
  std::unique_lock lock{mutex_};
  ending_ = true;
  changed_.notify_all();
  changed_.wait(lock, [&] { return finished_ || error_; });
  if (error_)
    std::rethrow_exception(error_);
}

written_chunks chunk_writer::counts() const {
  std::lock_guard guard{mutex_};
  return counts_;
}

void chunk_writer::work() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [&] { return abandoned_ || !queue_.empty() || (ending_ && !finished_); });
    if (abandoned_)
      return;
    try {
      if (queue_.empty()) {
        lock.unlock();
        end_pack();
        if (publishing_.valid())
          publishing_.get();
        lock.lock();
        finished_ = true;
      } else {
        auto next = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        store(next);
        lock.lock();
        waiting_bytes_ -= next.content.size();
      }
    } catch (...) {
      if (!lock.owns_lock())
        lock.lock();
      error_ = std::current_exception();
      changed_.notify_all();
      return;
    }
    changed_.notify_all();
  }
}

void chunk_writer::store(const waiting& x) {
  if (!pack_) {
    if (options_.before_pack)
      options_.before_pack();
    pack_ = std::make_unique<pack_writer>(aside_, "pack-" + std::to_string(++packs_made_));
  }
  compressed_.resize(ZSTD_compressBound(x.content.size()));
  auto size = ZSTD_compressCCtx(compressor_.get(), compressed_.data(), compressed_.size(), x.content.data(),
                                x.content.size(), options_.level);
  auto raw = ZSTD_isError(size) != 0 || size >= x.content.size();
  auto bytes = raw ? std::string_view{x.content} : std::string_view{compressed_}.substr(0, size);
  auto before = pack_->bytes();
  if (secret_.sealed())
    pack_->add(x.id, secret_.seal(bytes, purpose_of(x.id)), static_cast<uint32_t>(x.content.size()), raw);
  else
    pack_->add(x.id, bytes, static_cast<uint32_t>(x.content.size()), raw);
  {
    std::lock_guard guard{mutex_};
    ++counts_.chunks;
    counts_.bytes += x.content.size();
    counts_.stored_bytes += pack_->bytes() - before;
  }
  if (pack_->bytes() >= pack_target_bytes)
    end_pack();
}

/// A sync waits for the disk: the next pack fills meanwhile.
void chunk_writer::end_pack() {
  if (!pack_)
    return;
  auto name = pack_->finish(secret_);
  if (publishing_.valid())
    publishing_.get();
  publishing_ =
    std::async(std::launch::async, [this, pack = std::shared_ptr{std::move(pack_)}, name] { publish(*pack, name); });
}

void chunk_writer::publish(pack_writer& x, const std::string& name) const {
  if (::fsync(x.file()) != 0 || ::renameat(aside_, x.name().c_str(), packs_, name.c_str()) != 0)
    fail("write", sync_target);
  sync_directory(packs_, sync_target);
}

} // namespace overwatch::backup
