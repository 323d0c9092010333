#pragma once

#include "actors/identity.hpp"
#include "messages/time.hpp"

namespace overwatch {

struct refounding_options {
  /// Also a store whose node had others beside it: without that it is refused, with a sentence for people.
  bool of_member = false;
  timestamp time;                   ///< of the change
  std::function<uint64_t()> random; ///< any 64 bits
};

/// Makes the node of a store the founder and only member of a new cluster, with all that the store has. For a copy of
/// a store (a backup that was restored): it must never pass for the original, because it has forgotten what that has
/// promised since, and so could elect a leader that lacks what a majority had acknowledged.
///
/// Whatever the log holds is applied: what was acknowledged is in there, and what had not got so far yet (its outcome
/// was unknown) becomes real. What commands said of the nodes of the old cluster is forgotten. Attempts stay as they
/// are: no pool names them, so they are lost and tried again.
///
/// Only for a store that nobody else uses; after an error it is to be thrown away.
caf::expected<node_identity> refound(store& db, const refounding_options& options);

} // namespace overwatch
