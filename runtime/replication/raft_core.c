#include "runtime/replication/raft_core_message.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if RAFT_VERSION_NUMBER < 2200
#error "C-Raft 0.22 is needed: 0.15 of Debian 12 loses acknowledged entries"
#endif

struct raft_core {
  struct raft raft;
  struct raft_message* messages; /* of the newest update */
};

enum { max_address = 24 };

static bool fill_configuration(const struct core_configuration* from, struct raft_configuration* to) {
  raft_configuration_init(to);
  for (unsigned i = 0; i < from->count; ++i) {
    char address[max_address];
    snprintf(address, sizeof(address), "%" PRIu64, from->members[i].id);
    if (raft_configuration_add(to, from->members[i].id, address,
                               from->members[i].voter ? RAFT_VOTER : RAFT_STANDBY) != 0) {
      raft_configuration_close(to);
      return false;
    }
  }
  return true;
}

static bool fill_metadata(const struct core_snapshot* from, struct raft_snapshot_metadata* to) {
  to->index = from->index;
  to->term = from->term;
  to->configuration_index = from->configuration_index;
  return fill_configuration(&from->configuration, &to->configuration);
}

/* Entries as the library wants them: in one array, all in one batch that it may free. */
struct entry_batch {
  struct raft_entry* entries;
  struct raft_buffer* configurations; /* their bytes are only read during the step */
  unsigned count;
};

static void free_batch(struct entry_batch* x) {
  for (unsigned i = 0; x->configurations != NULL && i < x->count; ++i)
    raft_free(x->configurations[i].base);
  free(x->configurations);
  free(x->entries);
}

static bool make_batch(const struct core_entry* from, unsigned count, struct entry_batch* to) {
  static_assert((int)core_command == RAFT_COMMAND && (int)core_barrier == RAFT_BARRIER &&
                  (int)core_configuration_entry == RAFT_CHANGE,
                "entry kinds are those of the library");
  to->count = count;
  to->entries = calloc(count, sizeof(*to->entries));
  to->configurations = calloc(count, sizeof(*to->configurations));
  void* batch = raft_malloc(sizeof(uint64_t));
  if (to->entries == NULL || to->configurations == NULL || batch == NULL) {
    free_batch(to);
    raft_free(batch);
    return false;
  }
  for (unsigned i = 0; i < count; ++i) {
    struct raft_entry* x = &to->entries[i];
    x->term = from[i].term;
    x->type = (enum raft_entry_type)from[i].kind;
    x->batch = batch;
    x->buf.base = batch;
    if (from[i].kind != core_configuration_entry)
      continue;
    struct raft_configuration configuration;
    bool filled = fill_configuration(&from[i].configuration, &configuration);
    if (!filled || raft_configuration_encode(&configuration, &to->configurations[i]) != 0) {
      free_batch(to);
      raft_free(batch);
      return false;
    }
    raft_configuration_close(&configuration);
    x->buf = to->configurations[i];
  }
  return true;
}

static enum core_result step(struct raft_core* core, uint64_t now, struct raft_event* event,
                             struct core_update* update) {
  struct raft_update out;
  memset(&out, 0, sizeof(out));
  memset(update, 0, sizeof(*update));
  event->time = now;
  event->capacity = UINT16_MAX; /* 0 would refuse every entry; we look after the disk ourselves */
  int result = raft_step(&core->raft, event, &out);
  if (result == RAFT_NOTLEADER || result == RAFT_CANTCHANGE || result == RAFT_BADID || result == RAFT_NOTFOUND)
    return core_refused;
  if (result != 0)
    return core_broken;
  update->hard_state = (out.flags & (RAFT_UPDATE_CURRENT_TERM | RAFT_UPDATE_VOTED_FOR)) != 0;
  if ((out.flags & RAFT_UPDATE_ENTRIES) != 0) {
    update->first = out.entries.index;
    update->count = out.entries.n;
    update->barrier = out.entries.batch == &core->raft.barrier;
    raft_free(out.entries.batch[0].batch);
  }
  if ((out.flags & RAFT_UPDATE_SNAPSHOT) != 0) {
    update->install = true;
    raft_configuration_close(&out.snapshot.metadata.configuration);
  }
  if ((out.flags & RAFT_UPDATE_MESSAGES) != 0)
    update->messages = out.messages.n;
  core->messages = out.messages.batch;
  return core_done;
}

static void clear(struct raft_event* event, enum raft_event_type type) {
  memset(event, 0, sizeof(*event));
  event->type = type;
}

struct raft_core* core_open(const struct core_options* options) {
  struct raft_core* core = calloc(1, sizeof(*core));
  char address[max_address];
  snprintf(address, sizeof(address), "%" PRIu64, options->id);
  if (core == NULL || raft_init(&core->raft, NULL, NULL, options->id, address) != 0) {
    free(core);
    return NULL;
  }
  raft_seed(&core->raft, options->seed);
  raft_set_election_timeout(&core->raft, options->election_timeout);
  raft_set_heartbeat_timeout(&core->raft, options->heartbeat);
  raft_set_install_snapshot_timeout(&core->raft, options->install_timeout);
  raft_set_max_inflight_entries(&core->raft, options->max_inflight);
  raft_set_pre_vote(&core->raft, false);
  return core;
}

void core_close(struct raft_core* core) {
  raft_close(&core->raft, NULL);
  free(core);
}

const char* core_reason(struct raft_core* core) {
  return raft_errmsg(&core->raft);
}

enum core_result core_start(struct raft_core* core, uint64_t now, uint64_t term, uint64_t vote, uint64_t committed,
                            const struct core_snapshot* snapshot, uint64_t first, const struct core_entry* entries,
                            unsigned count, struct core_update* update) {
  struct raft_event event;
  struct raft_snapshot_metadata metadata;
  struct entry_batch batch = {NULL, NULL, 0};
  clear(&event, RAFT_START);
  event.start.term = term;
  event.start.voted_for = vote;
  event.start.start_index = first;
  if (snapshot != NULL) {
    if (!fill_metadata(snapshot, &metadata))
      return core_broken;
    event.start.metadata = &metadata;
  }
  if (count > 0) {
    if (!make_batch(entries, count, &batch))
      return core_broken;
    event.start.entries = batch.entries;
    event.start.n_entries = count;
  }
  void* memory = count > 0 ? batch.entries[0].batch : NULL;
  enum core_result result = step(core, now, &event, update);
  if (result == core_done && count > 0) { /* it keeps none of them, and frees them only when it fails */
    raft_free(memory);
    free_batch(&batch);
  }
  if (result == core_done && committed > core->raft.commit_index)
    core->raft.commit_index = committed;
  return result;
}

/*
 * The library makes the only voter a leader without a new term (convertToCandidate). Two leaders of one term would
 * follow when the other one has just been removed. So the term is raised here, by the same fields that it writes.
 */
static bool raise_term_of_lone_voter(struct raft* raft, uint64_t now) {
  unsigned voters = 0;
  for (unsigned i = 0; i < raft->configuration.n; ++i)
    voters += raft->configuration.servers[i].role == RAFT_VOTER ? 1 : 0;
  if (voters != 1 || raft_role(raft) != RAFT_VOTER || raft->state != RAFT_FOLLOWER || now < raft_timeout(raft) ||
      raft->snapshot.installing || raft->last_stored < raft_last_index(raft))
    return false;
  raft->current_term += 1;
  raft->voted_for = raft->id;
  return true;
}

enum core_result core_timeout(struct raft_core* core, uint64_t now, struct core_update* update) {
  struct raft_event event;
  clear(&event, RAFT_TIMEOUT);
  bool raised = raise_term_of_lone_voter(&core->raft, now);
  enum core_result result = step(core, now, &event, update);
  update->hard_state |= raised;
  return result;
}

/*
 * The library votes only when it is a voter in its own view. But it may not have got the entry yet that makes it one,
 * and be needed to elect the leader that has it: one of two voters, after the second was promoted. By Raft a server
 * votes whatever its own view is (dissertation, 4.1); the candidate counts.
 */
static enum core_result vote_as_voter(struct raft_core* core, uint64_t now, struct raft_event* event,
                                      struct core_update* update) {
  struct raft* raft = &core->raft;
  if (raft->state == RAFT_LEADER || raft_role(raft) == RAFT_VOTER)
    return step(core, now, event, update);
  struct raft_server self = {raft->id, raft->address, RAFT_VOTER};
  struct raft_configuration own_view = raft->configuration;
  raft->configuration.servers = &self;
  raft->configuration.n = 1;
  enum core_result result = step(core, now, event, update);
  raft->configuration = own_view;
  return result;
}

enum core_result core_receive(struct raft_core* core, uint64_t now, const struct core_message* message,
                              const struct core_entry* entries, unsigned count, const struct core_snapshot* install,
                              struct core_update* update) {
  struct raft_event event;
  struct raft_message x;
  struct entry_batch batch = {NULL, NULL, 0};
  core_fill_message(message, &x);
  if (install != NULL) {
    x.install_snapshot.last_index = install->index;
    x.install_snapshot.last_term = install->term;
    x.install_snapshot.conf_index = install->configuration_index;
    if (!fill_configuration(&install->configuration, &x.install_snapshot.conf))
      return core_broken;
  }
  if (count > 0) {
    if (!make_batch(entries, count, &batch))
      return core_broken;
    x.append_entries.entries = batch.entries;
    x.append_entries.n_entries = count;
  }
  clear(&event, RAFT_RECEIVE);
  event.receive.message = &x;
  enum core_result result =
    message->kind == core_vote ? vote_as_voter(core, now, &event, update) : step(core, now, &event, update);
  free_batch(&batch);
  return result;
}

enum core_result core_submit(struct raft_core* core, uint64_t now, const struct core_entry* entry,
                             struct core_update* update) {
  struct raft_event event;
  struct entry_batch batch;
  if (!make_batch(entry, 1, &batch))
    return core_broken;
  void* memory = batch.entries[0].batch;
  clear(&event, RAFT_SUBMIT);
  event.submit.entries = batch.entries;
  event.submit.n = 1;
  enum core_result result = step(core, now, &event, update);
  if (result != core_done)
    raft_free(memory);
  free_batch(&batch);
  return result;
}

enum core_result core_persisted(struct raft_core* core, uint64_t now, uint64_t index, struct core_update* update) {
  struct raft_event event;
  clear(&event, RAFT_PERSISTED_ENTRIES);
  event.persisted_entries.index = index;
  return step(core, now, &event, update);
}

enum core_result core_configuration_committed(struct raft_core* core, uint64_t now, uint64_t index,
                                              const struct core_configuration* x, struct core_update* update) {
  struct raft_event event;
  clear(&event, RAFT_CONFIGURATION);
  event.configuration.index = index;
  if (!fill_configuration(x, &event.configuration.conf))
    return core_broken;
  return step(core, now, &event, update);
}

enum core_result core_snapshot_taken(struct raft_core* core, uint64_t now, const struct core_snapshot* snapshot,
                                     unsigned trailing, struct core_update* update) {
  struct raft_event event;
  clear(&event, RAFT_SNAPSHOT);
  event.snapshot.trailing = trailing;
  if (!fill_metadata(snapshot, &event.snapshot.metadata))
    return core_broken;
  return step(core, now, &event, update);
}

enum core_result core_snapshot_installed(struct raft_core* core, uint64_t now, const struct core_snapshot* snapshot,
                                         struct core_update* update) {
  struct raft_event event;
  clear(&event, RAFT_PERSISTED_SNAPSHOT);
  event.persisted_snapshot.last = true;
  if (!fill_metadata(snapshot, &event.persisted_snapshot.metadata))
    return core_broken;
  return step(core, now, &event, update);
}

enum core_result core_transfer(struct raft_core* core, uint64_t now, uint64_t to, struct core_update* update) {
  struct raft_event event;
  clear(&event, RAFT_TRANSFER);
  event.transfer.server_id = to;
  return step(core, now, &event, update);
}

void core_message_at(const struct raft_core* core, unsigned i, struct core_message* message) {
  core_read_message(&core->messages[i], message);
}

enum core_role core_role_of(const struct raft_core* core) {
  switch (core->raft.state) {
    case RAFT_LEADER:
      return core_leader;
    case RAFT_CANDIDATE:
      return core_candidate;
    default:
      return core_follower;
  }
}

uint64_t core_term(const struct raft_core* core) {
  return raft_current_term(&core->raft);
}

uint64_t core_voted_for(const struct raft_core* core) {
  return raft_voted_for(&core->raft);
}

uint64_t core_commit_index(const struct raft_core* core) {
  return raft_commit_index(&core->raft);
}

uint64_t core_last_stored(const struct raft_core* core) {
  return core->raft.last_stored;
}

uint64_t core_leader_id(const struct raft_core* core) {
  switch (core->raft.state) {
    case RAFT_LEADER:
      return core->raft.id;
    case RAFT_FOLLOWER:
      return core->raft.follower_state.current_leader.id;
    default:
      return 0;
  }
}

uint64_t core_next_timeout(const struct raft_core* core) {
  return raft_timeout(&core->raft);
}

uint64_t core_uncommitted_configuration(const struct raft_core* core) {
  return core->raft.configuration_uncommitted_index;
}

uint64_t core_match_index(const struct raft_core* core, uint64_t id) {
  raft_index index = 0;
  return raft_match_index(&core->raft, id, &index) == 0 ? index : 0;
}

uint64_t core_transferee(const struct raft_core* core) {
  return raft_transferee(&core->raft);
}
