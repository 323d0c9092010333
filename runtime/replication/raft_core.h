#pragma once

/*
 * The part of C-Raft 0.22.1 that we use, in plain structs: its own header is no C++. Only raft_log.cpp includes this.
 *
 * Pointers are borrowed for the call only. Every step fills an update whose messages live until the next step. Entries
 * are counted, not held: the library needs no bytes of them but those of configurations.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct raft_core;

struct core_member {
  uint64_t id;
  bool voter;
};

struct core_configuration {
  const struct core_member* members;
  unsigned count;
};

/* As stored and sent. */
enum core_entry_kind { core_command = 1, core_barrier = 2, core_configuration_entry = 3 };

struct core_entry {
  uint64_t term;
  enum core_entry_kind kind;
  struct core_configuration configuration; /* of that kind */
};

struct core_snapshot {
  uint64_t index;
  uint64_t term;
  uint64_t configuration_index;
  struct core_configuration configuration;
};

/* As sent. */
enum core_message_kind {
  core_append = 1,
  core_append_result = 2,
  core_vote = 3,
  core_vote_result = 4,
  core_install = 5,
  core_elect_now = 6,
  core_quiet = 7, /* this and the next are ours: the library knows nothing of sleep */
  core_agreed_quiet = 8
};

struct core_message {
  enum core_message_kind kind;
  uint64_t peer; /* who sent it, or who is to get it */
  uint64_t term;
  uint64_t index;      /* append: entry before; append_result, vote, elect_now: last entry; install: of the snapshot */
  uint64_t index_term; /* of the entry at `index`; not in append_result */
  uint64_t commit;     /* append */
  uint64_t rejected;   /* append_result: 0 or the index that did not match */
  bool granted;        /* vote_result */
  bool disrupt;        /* vote: the leader asked for it */
  unsigned count;      /* append, from the library: that many entries follow `index` */
};

struct core_update {
  bool hard_state;
  uint64_t first; /* index of the first new entry; 0: none */
  unsigned count; /* of new entries */
  bool barrier;   /* the library itself made the (one) new entry */
  bool install;   /* persist the snapshot that was received */
  unsigned messages;
};

enum core_role { core_follower, core_candidate, core_leader };

/* refused: the state does not allow it, nothing happened. broken: the process cannot go on, see core_reason(). */
enum core_result { core_done, core_refused, core_broken };

struct core_options {
  uint64_t id;
  unsigned seed;
  unsigned election_timeout; /* ms */
  unsigned heartbeat;        /* ms */
  unsigned install_timeout;  /* ms */
  unsigned max_inflight;     /* entries on their way to one member */
};

/* NULL when there is no memory. */
struct raft_core* core_open(const struct core_options* options);
void core_close(struct raft_core* core);
const char* core_reason(struct raft_core* core);

/* `committed`: entries up to it are known to be; the library itself forgets. */
enum core_result core_start(struct raft_core* core, uint64_t now, uint64_t term, uint64_t vote, uint64_t committed,
                            const struct core_snapshot* snapshot, uint64_t first, const struct core_entry* entries,
                            unsigned count, struct core_update* update);
enum core_result core_timeout(struct raft_core* core, uint64_t now, struct core_update* update);
/* `install` gets the snapshot that the message offers, else NULL. */
enum core_result core_receive(struct raft_core* core, uint64_t now, const struct core_message* message,
                              const struct core_entry* entries, unsigned count, const struct core_snapshot* install,
                              struct core_update* update);
enum core_result core_submit(struct raft_core* core, uint64_t now, const struct core_entry* entry,
                             struct core_update* update);
enum core_result core_persisted(struct raft_core* core, uint64_t now, uint64_t index, struct core_update* update);
enum core_result core_configuration_committed(struct raft_core* core, uint64_t now, uint64_t index,
                                              const struct core_configuration* x, struct core_update* update);
enum core_result core_snapshot_taken(struct raft_core* core, uint64_t now, const struct core_snapshot* snapshot,
                                     unsigned trailing, struct core_update* update);
enum core_result core_snapshot_installed(struct raft_core* core, uint64_t now, const struct core_snapshot* snapshot,
                                         struct core_update* update);
enum core_result core_transfer(struct raft_core* core, uint64_t now, uint64_t to, struct core_update* update);

void core_message_at(const struct raft_core* core, unsigned i, struct core_message* message);

enum core_role core_role_of(const struct raft_core* core);
uint64_t core_term(const struct raft_core* core);
uint64_t core_voted_for(const struct raft_core* core);
uint64_t core_commit_index(const struct raft_core* core);
uint64_t core_last_stored(const struct raft_core* core);
uint64_t core_leader_id(const struct raft_core* core);
uint64_t core_next_timeout(const struct raft_core* core);
uint64_t core_uncommitted_configuration(const struct raft_core* core); /* its index, or 0 */
uint64_t core_match_index(const struct raft_core* core, uint64_t id);  /* 0 when unknown */
uint64_t core_transferee(const struct raft_core* core);                /* or 0 */

#ifdef __cplusplus
}
#endif
