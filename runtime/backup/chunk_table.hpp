#pragma once

#include "runtime/backup/failure.hpp"
#include "runtime/backup/pack_file.hpp"

#include <list>
#include <string>
#include <utility>
#include <vector>

namespace overwatch::backup {

/// The content of a chunk cannot be read back.
class chunk_damaged : public repository_damaged {
public:
  chunk_damaged(const chunk_id& id, const std::string& why)
    : repository_damaged{"the chunk " + to_hex(id) + " is damaged: " + why}, id_{id} {}

  const chunk_id& id() const { return id_; }

private:
  chunk_id id_;
};

/// Which chunks a repository has, and where: about 50 bytes of memory for each. It is read once; packs that are written
/// or removed later do not change it. One thread.
class chunk_table {
public:
  struct pack {
    std::string name;
    uint64_t bytes = 0;
    std::string damage; ///< why its table cannot be read; empty: it can
  };

  struct place {
    packed_chunk chunk;
    uint32_t pack = 0;
  };

  /// `packs` is the directory of packs and must outlive the table; `path` names it to people.
  chunk_table(int packs, std::string path, const vault& secret, const stop_check& stop);

  bool has(const chunk_id& id) const { return find(id) != places_.size(); }

  /// The number of its first place, or the count of all places. A chunk can be in several packs: those that a killed
  /// `prune` left.
  size_t find(const chunk_id& id) const;

  /// Throws `chunk_damaged`.
  std::string get(const chunk_id& id);

  const std::vector<pack>& packs() const { return packs_; }

  /// Sorted by id.
  const std::vector<place>& places() const { return places_; }

  /// The content at one place; nothing when it is damaged.
  std::optional<std::string> content_at(const place& where);

  /// An open file of a pack, or none when it is gone.
  int file_of(uint32_t pack);

  std::string path_of(uint32_t pack) const { return path_ + "/" + packs_[pack].name; }

private:
  int directory_;
  std::string path_;
  const vault& secret_;
  std::vector<pack> packs_;
  std::vector<place> places_;
  std::list<std::pair<uint32_t, descriptor>> open_; // used last stands first
};

} // namespace overwatch::backup
