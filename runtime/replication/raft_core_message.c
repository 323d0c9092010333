#include "runtime/replication/raft_core_message.h"

#include <string.h>

/* The library wants an address of whoever sends. Ours are kept elsewhere. */
static const char* const no_address = "-";

void core_fill_message(const struct core_message* from, struct raft_message* to) {
  memset(to, 0, sizeof(*to));
  to->server_id = from->peer;
  to->server_address = no_address;
  switch (from->kind) {
    case core_append:
      to->type = RAFT_APPEND_ENTRIES;
      to->append_entries.term = from->term;
      to->append_entries.prev_log_index = from->index;
      to->append_entries.prev_log_term = from->index_term;
      to->append_entries.leader_commit = from->commit;
      break;
    case core_append_result:
      to->type = RAFT_APPEND_ENTRIES_RESULT;
      to->append_entries_result.version = 1;
      to->append_entries_result.term = from->term;
      to->append_entries_result.rejected = from->rejected;
      to->append_entries_result.last_log_index = from->index;
      break;
    case core_vote:
      to->type = RAFT_REQUEST_VOTE;
      to->request_vote.version = 2;
      to->request_vote.term = from->term;
      to->request_vote.candidate_id = from->peer;
      to->request_vote.last_log_index = from->index;
      to->request_vote.last_log_term = from->index_term;
      to->request_vote.disrupt_leader = from->disrupt;
      break;
    case core_vote_result:
      to->type = RAFT_REQUEST_VOTE_RESULT;
      to->request_vote_result.version = 2;
      to->request_vote_result.term = from->term;
      to->request_vote_result.vote_granted = from->granted;
      break;
    case core_install:
      to->type = RAFT_INSTALL_SNAPSHOT;
      to->install_snapshot.term = from->term;
      break;
    case core_elect_now:
      to->type = RAFT_TIMEOUT_NOW;
      to->timeout_now.term = from->term;
      to->timeout_now.last_log_index = from->index;
      to->timeout_now.last_log_term = from->index_term;
      break;
    case core_quiet:
    case core_agreed_quiet:
      break;
  }
}

void core_read_message(const struct raft_message* from, struct core_message* to) {
  memset(to, 0, sizeof(*to));
  to->peer = from->server_id;
  switch (from->type) {
    case RAFT_APPEND_ENTRIES:
      to->kind = core_append;
      to->term = from->append_entries.term;
      to->index = from->append_entries.prev_log_index;
      to->index_term = from->append_entries.prev_log_term;
      to->commit = from->append_entries.leader_commit;
      to->count = from->append_entries.n_entries;
      break;
    case RAFT_APPEND_ENTRIES_RESULT:
      to->kind = core_append_result;
      to->term = from->append_entries_result.term;
      to->rejected = from->append_entries_result.rejected;
      to->index = from->append_entries_result.last_log_index;
      break;
    case RAFT_REQUEST_VOTE:
      to->kind = core_vote;
      to->term = from->request_vote.term;
      to->index = from->request_vote.last_log_index;
      to->index_term = from->request_vote.last_log_term;
      to->disrupt = from->request_vote.disrupt_leader;
      break;
    case RAFT_REQUEST_VOTE_RESULT:
      to->kind = core_vote_result;
      to->term = from->request_vote_result.term;
      to->granted = from->request_vote_result.vote_granted;
      break;
    case RAFT_INSTALL_SNAPSHOT:
      to->kind = core_install;
      to->term = from->install_snapshot.term;
      to->index = from->install_snapshot.last_index;
      to->index_term = from->install_snapshot.last_term;
      break;
    case RAFT_TIMEOUT_NOW:
      to->kind = core_elect_now;
      to->term = from->timeout_now.term;
      to->index = from->timeout_now.last_log_index;
      to->index_term = from->timeout_now.last_log_term;
      break;
  }
}
