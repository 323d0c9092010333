#pragma once

/* Between the library's messages and ours. Only for raft_core.c: it includes the library's header. */

#include "runtime/replication/raft_core.h"

#include <raft.h>

/* All but entries and snapshot. */
void core_fill_message(const struct core_message* from, struct raft_message* to);

void core_read_message(const struct raft_message* from, struct core_message* to);
