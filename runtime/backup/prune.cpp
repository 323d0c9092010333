#include "runtime/backup/prune.hpp"

#include "runtime/backup/chunk_writer.hpp"
#include "runtime/backup/chunker.hpp"
#include "runtime/backup/tree_stream.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace overwatch::backup {

namespace {

/// A pack with less in use is written again.
constexpr double least_used_share = 0.7;

/// So many packs are written again before the old ones go: bounds the space that is needed meanwhile.
constexpr size_t packs_at_once = 8;

std::function<void()> space_check(const repository& which) {
  return [&which] {
    if (which.free_bytes() < pack_target_bytes + max_chunk_bytes + spare_bytes)
      throw backup_failed{"'" + which.path() + "' has no room to write packs again; free some space", true};
  };
}

class prune_run {
public:
  prune_run(const repository& which, const prune_options& options, problem_list& problems)
    : which_{which}, options_{options}, problems_{problems} {}

  prune_result run() {
    auto kept = choose();
    known_.emplace(which_.packs(), which_.packs_path(), which_.secret(), options_.stop);
    used_.assign(known_->places().size(), false);
    for (size_t i = 0; i < kept.size(); ++i) {
      report(i, kept.size(), "looking what " + kept[i].id + " needs");
      mark(kept[i]);
    }
    result_.kept = kept.size();
    if (!options_.dry_run)
      for (const auto& id : result_.removed)
        which_.remove_backup(id);
    sweep();
    return result_;
  }

private:
  /// All that are kept can be read: else nothing can be removed, as nobody knows what they need.
  std::vector<manifest> choose() {
    std::set<std::string> asked{options_.remove.begin(), options_.remove.end()};
    std::map<std::string, std::vector<manifest>> groups;
    for (const auto& id : which_.backups()) {
      if (asked.erase(id) > 0) {
        result_.removed.push_back(id);
        continue;
      }
      auto x = which_.read_backup(id);
      auto key = x.host;
      for (const auto& source : x.sources)
        key += '\0' + source;
      groups[key].push_back(std::move(x));
    }
    if (!asked.empty())
      throw backup_failed{"there is no backup '" + *asked.begin() +
                          "' to remove; the action list names those there are"};
    std::vector<manifest> kept;
    for (auto& [key, all] : groups) {
      std::vector<timestamp> times;
      for (const auto& x : all)
        times.push_back(x.started);
      auto keep = kept_by(options_.keep, times);
      for (size_t i = 0; i < all.size(); ++i) {
        if (keep[i])
          kept.push_back(std::move(all[i]));
        else
          result_.removed.push_back(all[i].id);
      }
    }
    std::sort(result_.removed.begin(), result_.removed.end());
    return kept;
  }

  void mark(const manifest& x) {
    for (const auto& block : x.tree)
      mark(block);
    try {
      tree_reader list{x.tree, [this](const chunk_id& id) { return known_->get(id); }};
      for (entry found; list.next(found);) {
        check_stopped(options_.stop);
        for (const auto& part : found.pieces)
          if (!part.hole)
            mark(part.id);
      }
    } catch (const repository_damaged& error) {
      throw backup_failed{"the list of backup " + x.id +
                          " is damaged, so nobody knows what it needs and nothing is removed: " + error.what() +
                          "; remove that backup by its id (remove), then prune again"};
    }
  }

  /// Of a chunk that is in several packs, the first copy that is whole counts.
  void mark(const chunk_id& id) {
    const auto& places = known_->places();
    auto first = known_->find(id);
    auto is_twice = first + 1 < places.size() && places[first + 1].chunk.id == id;
    if (first == places.size())
      return; // lost already: verify says so
    if (!is_twice) {
      used_[first] = true;
      return;
    }
    for (auto i = first; i < places.size() && places[i].chunk.id == id; ++i)
      if (used_[i])
        return;
    for (auto i = first; i < places.size() && places[i].chunk.id == id; ++i)
      if (known_->content_at(places[i])) {
        used_[i] = true;
        return;
      }
    used_[first] = true;
  }

  void sweep() {
    std::vector<uint64_t> used_bytes(known_->packs().size(), 0);
    std::vector<std::vector<size_t>> used_places(known_->packs().size());
    std::vector<uint64_t> all_bytes(known_->packs().size(), 0);
    for (const auto& place : known_->places())
      all_bytes[place.pack] += place.chunk.stored;
    for (size_t i = 0; i < used_.size(); ++i)
      if (used_[i]) {
        const auto& place = known_->places()[i];
        used_bytes[place.pack] += place.chunk.stored;
        used_places[place.pack].push_back(i);
      }
    std::vector<uint32_t> again;
    for (uint32_t i = 0; i < used_bytes.size(); ++i) {
      const auto& pack = known_->packs()[i];
      if (!pack.damage.empty()) {
        problems_.add(problem_kind::damaged, known_->path_of(i), pack.damage + "; it is left alone");
      } else if (used_places[i].empty()) {
        remove(i);
      } else if (static_cast<double>(used_bytes[i]) < least_used_share * static_cast<double>(all_bytes[i])) {
        again.push_back(i);
      } else {
        result_.garbage_bytes += all_bytes[i] - used_bytes[i];
      }
    }
    for (size_t i = 0; i < again.size(); i += packs_at_once) {
      report(i, again.size(), "writing packs again");
      std::vector<uint32_t> some{again.begin() + static_cast<ptrdiff_t>(i),
                                 again.begin() + static_cast<ptrdiff_t>(std::min(again.size(), i + packs_at_once))};
      rewrite(some, used_places, used_bytes);
    }
  }

  void remove(uint32_t pack) {
    ++result_.removed_packs;
    result_.freed_bytes += known_->packs()[pack].bytes;
    if (!options_.dry_run)
      which_.remove_pack(known_->packs()[pack].name);
  }

  void rewrite(const std::vector<uint32_t>& packs, const std::vector<std::vector<size_t>>& used_places,
               const std::vector<uint64_t>& used_bytes) {
    if (options_.dry_run) {
      for (auto pack : packs) {
        ++result_.rewritten_packs;
        result_.freed_bytes += known_->packs()[pack].bytes - used_bytes[pack];
      }
      return;
    }
    chunk_writer writer{
      *known_, which_.packs(), which_.aside(), which_.secret(), {options_.level, space_check(which_)}};
    std::vector<uint32_t> moved;
    for (auto pack : packs)
      if (move(pack, used_places[pack], writer))
        moved.push_back(pack);
    writer.finish();
    for (auto pack : moved) {
      remove(pack);
      ++result_.rewritten_packs;
    }
    result_.freed_bytes -= std::min(result_.freed_bytes, writer.counts().stored_bytes);
  }

  /// False when something in the pack is damaged: then it stays, with what it has.
  bool move(uint32_t pack, const std::vector<size_t>& places, chunk_writer& writer) {
    for (auto i : places) {
      check_stopped(options_.stop);
      auto content = known_->content_at(known_->places()[i]);
      if (!content) {
        problems_.add(problem_kind::damaged, known_->path_of(pack),
                      "it holds damaged chunks and is left alone; verify it");
        return false;
      }
      writer.move(known_->places()[i].chunk.id, std::move(*content));
    }
    return true;
  }

  void report(size_t done, size_t planned, const std::string& what) const {
    if (options_.progress)
      options_.progress(done, planned, what);
  }

  const repository& which_;
  const prune_options& options_;
  problem_list& problems_;
  prune_result result_;
  std::optional<chunk_table> known_;
  std::vector<bool> used_; // of the places
};

} // namespace

prune_result prune_repository(const repository& which, const prune_options& options, problem_list& problems) {
  return prune_run{which, options, problems}.run();
}

mend_result mend_repository(const repository& which, const std::vector<std::string>& packs, int level,
                            const stop_check& stop) {
  mend_result result;
  chunk_table known{which.packs(), which.packs_path(), which.secret(), stop};
  chunk_writer writer{known, which.packs(), which.aside(), which.secret(), {level, space_check(which)}};
  for (const auto& place : known.places()) {
    check_stopped(stop);
    if (std::find(packs.begin(), packs.end(), known.packs()[place.pack].name) == packs.end())
      continue;
    if (auto content = known.content_at(place)) {
      writer.move(place.chunk.id, std::move(*content));
      ++result.chunks;
    }
  }
  writer.finish();
  for (const auto& name : packs)
    which.set_aside_pack(name);
  result.packs = packs.size();
  return result;
}

} // namespace overwatch::backup
