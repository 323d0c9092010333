#include "runtime/backup/chunk_table.hpp"

#include <fcntl.h>

#include <algorithm>

namespace overwatch::backup {

namespace {

constexpr size_t max_open_packs = 16;

bool is_pack(const std::string& name) {
  const std::string ending = pack_ending;
  return name.size() > ending.size() && name.compare(name.size() - ending.size(), ending.size(), ending) == 0;
}

} // namespace

chunk_table::chunk_table(int packs, std::string path, const vault& secret, const stop_check& stop)
  : directory_{packs}, path_{std::move(path)}, secret_{secret} {
  for (const auto& name : names_in(directory_, path_)) {
    check_stopped(stop);
    if (!is_pack(name))
      continue;
    auto number = static_cast<uint32_t>(packs_.size());
    packs_.push_back({name, 0, {}});
    descriptor file{::openat(directory_, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
    if (!file)
      fail("read", path_of(number));
    try {
      packs_.back().bytes = size_of(file.get(), path_of(number));
      for (const auto& x : read_pack_table(file.get(), path_of(number), secret_))
        places_.push_back({x, number});
    } catch (const backup_failed& error) { // its chunks count as lost: the next backup stores them again
      packs_.back().damage = error.what();
    }
  }
  std::sort(places_.begin(), places_.end(), [](const place& x, const place& y) {
    return std::tie(x.chunk.id.bytes, x.pack) < std::tie(y.chunk.id.bytes, y.pack);
  });
}

size_t chunk_table::find(const chunk_id& id) const {
  auto found = std::lower_bound(places_.begin(), places_.end(), id,
                                [](const place& x, const chunk_id& wanted) { return x.chunk.id < wanted; });
  auto there = found != places_.end() && found->chunk.id == id;
  return there ? static_cast<size_t>(found - places_.begin()) : places_.size();
}

int chunk_table::file_of(uint32_t pack) {
  auto found = std::find_if(open_.begin(), open_.end(), [&](const auto& x) { return x.first == pack; });
  if (found == open_.end()) {
    descriptor file{::openat(directory_, packs_[pack].name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
    if (!file)
      return -1;
    if (open_.size() >= max_open_packs)
      open_.pop_back();
    open_.emplace_front(pack, std::move(file));
  } else {
    open_.splice(open_.begin(), open_, found);
  }
  return open_.front().second.get();
}

std::optional<std::string> chunk_table::content_at(const place& where) {
  auto file = file_of(where.pack);
  std::string stored(where.chunk.stored, '\0');
  if (file < 0)
    return std::nullopt;
  try {
    if (!read_exactly(file, stored.data(), stored.size(), where.chunk.offset, path_of(where.pack)))
      return std::nullopt;
  } catch (const backup_failed&) { // the disk says so
    return std::nullopt;
  }
  return unpack(where.chunk, stored, secret_);
}

std::string chunk_table::get(const chunk_id& id) {
  auto at = find(id);
  if (at == places_.size())
    throw chunk_damaged{id, "no pack has it"};
  auto first = at;
  for (; at < places_.size() && places_[at].chunk.id == id; ++at)
    if (auto content = content_at(places_[at]))
      return std::move(*content);
  throw chunk_damaged{id, "'" + path_of(places_[first].pack) + "' does not hold what was written"};
}

} // namespace overwatch::backup
