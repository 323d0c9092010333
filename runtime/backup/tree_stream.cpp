#include "runtime/backup/tree_stream.hpp"

#include "messages/codec.hpp"
#include "runtime/backup/failure.hpp"

#include <utility>

namespace overwatch::backup {

namespace {

constexpr size_t min_block_bytes = 64 << 10;
constexpr size_t max_block_bytes = 1 << 20;
constexpr uint64_t one_of_paths = 256; // ends a block, once it has the least size
constexpr size_t pieces_in_record = 4096;

uint64_t hash_of_path(std::string_view path) {
  uint64_t hash = 0xCBF29CE484222325ULL; // FNV-1a
  for (auto c : path)
    hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3ULL;
  return hash ^ hash >> 32;
}

} // namespace

void tree_writer::append(const entry& x, uint64_t part) {
  auto bytes = overwatch::encode(x);
  encoder out{block_};
  out.put_size(part);
  out.put_size(bytes.size());
  block_ += bytes;
  if (block_.size() >= max_block_bytes)
    end_block();
}

void tree_writer::add(const entry& x) {
  if (x.pieces.size() <= pieces_in_record) {
    append(x, 0);
  } else {
    auto some = x;
    for (size_t at = 0; at < x.pieces.size(); at += pieces_in_record) {
      auto end = std::min(x.pieces.size(), at + pieces_in_record);
      some.pieces.assign(x.pieces.begin() + static_cast<ptrdiff_t>(at), x.pieces.begin() + static_cast<ptrdiff_t>(end));
      append(some, at / pieces_in_record);
    }
  }
  if (block_.size() >= min_block_bytes && hash_of_path(x.path) % one_of_paths == 0)
    end_block();
}

void tree_writer::end_block() {
  blocks_.push_back(store_(block_));
  block_.clear();
}

std::vector<chunk_id> tree_writer::finish() {
  if (!block_.empty())
    end_block();
  return std::move(blocks_);
}

bool tree_reader::next_record(record& x) {
  while (at_ >= block_.size()) {
    if (next_block_ == blocks_.size())
      return false;
    at_ = 0;
    block_.clear();
    block_ = load_(blocks_[next_block_++]);
  }
  decoder in{std::string_view{block_}.substr(at_)};
  auto part = in.get_size();
  auto size = in.get_size();
  auto rest = in.rest();
  if (!in.ok() || size > rest.size() || !overwatch::decode(rest.substr(0, size), x.content)) {
    at_ = block_.size(); // its hash was right, so this program wrote nonsense or does not know the format
    throw repository_damaged{"a list of files contradicts itself"};
  }
  x.part = part;
  at_ = block_.size() - rest.size() + size;
  return true;
}

bool tree_reader::next(entry& x) {
  record found;
  if (has_ahead_) {
    found = std::move(ahead_);
    has_ahead_ = false;
  } else {
    do { // what follows a part that could not be read
      found = {};
      if (!next_record(found))
        return false;
    } while (found.part != 0);
  }
  while (true) {
    ahead_ = {};
    if (!next_record(ahead_))
      break;
    if (ahead_.part == 0) {
      has_ahead_ = true;
      break;
    }
    auto& more = ahead_.content.pieces;
    found.content.pieces.insert(found.content.pieces.end(), more.begin(), more.end());
  }
  x = std::move(found.content);
  return true;
}

} // namespace overwatch::backup
