#include "actors/identity.hpp"

#include "actors/group_plan.hpp"
#include "actors/keys.hpp"
#include "actors/stored_log.hpp"
#include "messages/codec.hpp"

namespace overwatch {

namespace {

// In front of what is stored, so that a later program can tell.
constexpr char stored_version = 1;

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, node_identity& x) {
  return f(x.member, x.cluster, x.partitions, x.founder);
}

bool has_log(const store& db) {
  std::string end;
  keys::append_u16(end, keys::node_partition);
  return db.scan(key_space::log, {}, end)->valid();
}

caf::error write_identity(store& db, const node_identity& x) {
  write_batch batch;
  batch.put(key_space::log, keys::node_identity(), encode_identity(x));
  if (db.write(batch, true) == store::write_result::done)
    return {};
  return make_error(ec::no_space, "there is no space on the disk to store who this node is: make room");
}

} // namespace

bool operator==(const node_identity& x, const node_identity& y) {
  return x.member == y.member && x.cluster == y.cluster && x.partitions == y.partitions && x.founder == y.founder;
}

std::string encode_identity(const node_identity& x) {
  std::string bytes{stored_version};
  auto copy = x;
  encoder to{bytes};
  inspect(to, copy);
  return bytes;
}

std::optional<node_identity> decode_identity(std::string_view bytes) {
  if (bytes.empty() || bytes.front() != stored_version)
    return std::nullopt;
  node_identity x;
  decoder from{bytes.substr(1)};
  if (!inspect(from, x) || x.member == 0 || (x.cluster == 0) != (x.partitions == 0))
    return std::nullopt;
  return x;
}

uint64_t identity_number(uint64_t random) {
  auto number = random & ~(uint64_t{1} << 63);
  return number != 0 ? number : 1;
}

caf::expected<node_identity> open_identity(store& db, bool alone, uint32_t partitions,
                                           const std::function<uint64_t()>& random) {
  node_identity x;
  auto stored = db.get(key_space::log, keys::node_identity());
  if (stored) {
    auto known = decode_identity(*stored);
    if (!known)
      return make_error(ec::internal, "the store does not say who this node is in a way that this program understands: "
                                      "was it written by a newer version?");
    if (known->settled() || !alone)
      return *known;
    x = *known;
  } else {
    x.member = identity_number(random());
  }
  auto from_before = has_log(db);
  if (alone || from_before) {
    x.cluster = identity_number(random());
    x.partitions = from_before ? 1 : partitions;
    x.founder = true;
  }
  if (auto fault = write_identity(db, x))
    return fault;
  return x;
}

caf::error check_name(const store& db, const node_identity& identity, const std::string& node) {
  auto log = read_log(db, control_partition); // its group has every member of the cluster
  if (!log)
    return log.error();
  std::string before;
  std::string others;
  for (const auto& x : log->members)
    if (x.id == identity.member)
      before = node_of(x);
    else
      others += (others.empty() ? "" : ", ") + node_of(x);
  if (before.empty() || before == node || (others.empty() && identity.founder))
    return {};
  auto way_out = others.empty() ? "restore a backup of it under the new name (`overwatch restore`)"
                                : "start \"" + node + "\" on an empty data directory, and let the others forget the old name "
                                  "(`overwatch cluster remove " + before + "`)";
  return make_error(ec::conflict, "the data directory belongs to the node \"" + before + "\""
                                    + (others.empty() ? "" : " of a cluster with " + others) + ", and this node is called \""
                                    + node + "\" (node.name, or else the name of the machine): call it \"" + before
                                    + "\" again, or " + way_out);
}

identity_keeper_actor::behavior_type identity_keeper(identity_keeper_actor::pointer, store* db) {
  return {
    [=](const node_identity& x) -> caf::result<node_identity> {
      if (auto fault = write_identity(*db, x))
        return fault;
      return x;
    },
  };
}

} // namespace overwatch
