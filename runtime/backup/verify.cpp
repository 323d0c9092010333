#include "runtime/backup/verify.hpp"

#include "runtime/backup/chunk_table.hpp"
#include "runtime/backup/tree_stream.hpp"

#include <algorithm>
#include <unordered_set>

namespace overwatch::backup {

namespace {

constexpr size_t block_bytes = 1 << 20;

class verify_run {
public:
  verify_run(const repository& which, const progress_report& progress, const stop_check& stop, problem_list& problems)
    : which_{which}, progress_{progress}, stop_{stop}, problems_{problems}, known_{which.packs(), which.packs_path(),
                                                                                   which.secret(), stop},
      whole_(known_.places().size(), false) {}

  verify_counts run() {
    for (const auto& pack : known_.packs())
      planned_ += pack.bytes;
    std::vector<std::vector<size_t>> by_pack(known_.packs().size());
    for (size_t i = 0; i < known_.places().size(); ++i)
      by_pack[known_.places()[i].pack].push_back(i);
    for (uint32_t pack = 0; pack < by_pack.size(); ++pack)
      check_pack(pack, by_pack[pack]);
    count_damaged_chunks();
    for (const auto& id : which_.backups())
      check_backup(id);
    return counts_;
  }

private:
  void check_pack(uint32_t number, std::vector<size_t>& places) {
    const auto& pack = known_.packs()[number];
    ++counts_.packs;
    if (!pack.damage.empty()) {
      add_damaged(number, pack.damage);
      return;
    }
    std::sort(places.begin(), places.end(),
              [&](size_t x, size_t y) { return known_.places()[x].chunk.offset < known_.places()[y].chunk.offset; });
    auto any_damaged = false;
    try {
      auto hash_fits = read_pack(number, places, any_damaged);
      if (hash_fits && !any_damaged)
        return;
      add_damaged(number, any_damaged ? "it holds damaged chunks" : "bytes outside of its chunks are damaged");
    } catch (const backup_failed& error) {
      add_damaged(number, error.what());
    }
  }

  void add_damaged(uint32_t pack, const std::string& reason) {
    ++counts_.damaged_packs;
    counts_.packs_to_mend.push_back(known_.packs()[pack].name);
    problems_.add(problem_kind::damaged, known_.path_of(pack), reason);
  }

  /// True when the hash at its end is that of all before.
  bool read_pack(uint32_t number, const std::vector<size_t>& places, bool& any_damaged) {
    const auto path = known_.path_of(number);
    auto file = known_.file_of(number);
    if (file < 0)
      fail("read", path);
    auto size = size_of(file, path);
    auto end = size - std::min<uint64_t>(size, sizeof(digest));
    hasher hash;
    uint64_t at = 0;
    auto hash_to = [&](uint64_t to) {
      std::string bytes;
      for (; at < to; at += bytes.size()) {
        check_stopped(stop_);
        bytes.resize(std::min<uint64_t>(block_bytes, to - at));
        if (!read_exactly(file, bytes.data(), bytes.size(), at, path))
          throw repository_damaged{"its end is missing"};
        hash.add(bytes);
        advance(bytes.size(), path);
      }
    };
    for (auto i : places) {
      check_stopped(stop_);
      const auto& chunk = known_.places()[i].chunk;
      hash_to(chunk.offset);
      std::string stored(chunk.stored, '\0');
      if (!read_exactly(file, stored.data(), stored.size(), at, path))
        throw repository_damaged{"its end is missing"};
      hash.add(stored);
      at += stored.size();
      advance(stored.size(), path);
      ++counts_.chunks;
      whole_[i] = unpack(chunk, stored, which_.secret()).has_value();
      any_damaged = any_damaged || !whole_[i];
    }
    hash_to(end);
    digest last{};
    if (!read_exactly(file, reinterpret_cast<char*>(last.data()), last.size(), end, path))
      return false;
    auto is = hash.finish();
    return is == last && to_hex(is.data(), is.size() / 2) + pack_ending == known_.packs()[number].name;
  }

  void advance(uint64_t bytes, const std::string& what) {
    counts_.bytes += bytes;
    if (progress_)
      progress_(counts_.bytes, std::max(planned_, counts_.bytes), what);
  }

  bool is_whole(const chunk_id& id) const {
    const auto& places = known_.places();
    for (auto i = known_.find(id); i < places.size() && places[i].chunk.id == id; ++i)
      if (whole_[i])
        return true;
    return false;
  }

  void count_damaged_chunks() {
    const auto& places = known_.places();
    for (size_t i = 0; i < places.size(); ++i)
      if (!whole_[i] && (i == 0 || places[i - 1].chunk.id != places[i].chunk.id) && !is_whole(places[i].chunk.id)) {
        ++counts_.damaged_chunks;
        problems_.add(problem_kind::damaged, "chunk " + to_hex(places[i].chunk.id),
                      "in '" + known_.path_of(places[i].pack) + "'");
      }
  }

  void check_backup(const std::string& id) {
    ++counts_.backups;
    auto damaged = false;
    try {
      auto x = which_.read_backup(id);
      tree_reader list{x.tree, [this](const chunk_id& block) {
                         if (!known_.has(block) && missing_.insert(block).second)
                           ++counts_.damaged_chunks;
                         if (!is_whole(block))
                           throw chunk_damaged{block, "a part of the list of files"};
                         return known_.get(block);
                       }};
      while (!check_entries(list, id))
        damaged = true;
    } catch (const backup_failed& error) {
      damaged = true;
      problems_.add(problem_kind::damaged, "backup " + id, error.what());
    }
    counts_.damaged_backups += damaged ? 1 : 0;
  }

  /// False when a part of the list could not be read and it goes on behind that.
  bool check_entries(tree_reader& list, const std::string& id) {
    entry x;
    std::string before;
    try {
      while (list.next(x)) {
        check_stopped(stop_);
        counts_.files += x.kind == captured_kind::file ? 1 : 0;
        before = x.path;
        check_pieces(x, id);
      }
      return true;
    } catch (const repository_damaged& error) {
      problems_.add(problem_kind::damaged, "backup " + id,
                    std::string{error.what()} + (before.empty() ? ", from the start" : ", behind " + before));
      return false;
    }
  }

  void check_pieces(const entry& x, const std::string& id) {
    for (const auto& part : x.pieces) {
      if (part.hole || is_whole(part.id))
        continue;
      ++counts_.damaged_files;
      auto lost = known_.has(part.id) ? "is damaged" : "is in no pack that can be read";
      if (!known_.has(part.id) && missing_.insert(part.id).second)
        ++counts_.damaged_chunks;
      problems_.add(problem_kind::damaged, x.path, "in backup " + id + ": the chunk " + to_hex(part.id) + " " + lost);
      return;
    }
  }

  const repository& which_;
  const progress_report& progress_;
  const stop_check& stop_;
  problem_list& problems_;
  chunk_table known_;
  std::vector<bool> whole_; // of the places
  verify_counts counts_;
  uint64_t planned_ = 0;
  std::unordered_set<chunk_id, chunk_id_hash> missing_; // needed, and in no pack
};

} // namespace

verify_counts verify_repository(const repository& which, const progress_report& progress, const stop_check& stop,
                                problem_list& problems) {
  return verify_run{which, progress, stop, problems}.run();
}

} // namespace overwatch::backup
