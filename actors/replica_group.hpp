#pragma once

#include "actors/replica.hpp"

/// The part of a replica that deals with the other members of its group: what is sent to them, who belongs, whose state
/// is shipped or received. Only for the source files of the replica.
namespace overwatch::replica_group {

using replica_pointer = replica_actor::stateful_pointer<replica_state>;

log_time steady_now(replica_pointer self);

void send(replica_pointer self, log_message&& x);
void peer_changed(replica_pointer self, const peer_report& x);

/// Once in a while: members that came or go, transfers that nobody answers.
void look_after(replica_pointer self);
void keep_looking(replica_pointer self);

group_status status(replica_pointer self);
caf::result<group_status> transfer(replica_pointer self, const transfer_request& x);

/// Tells who wants to know which node leads, and membership what is said of nodes.
void tell_leader(replica_pointer self);
void tell_roster(replica_pointer self);

// -- states: see actors/state_transfer.hpp ---------------------------------------

void ship(replica_pointer self, member_id to);
void transfer_ended(replica_pointer self, const transfer_ended& x);
void stop_shipping(replica_pointer self);

/// The oldest entry that a member may need behind the state that it is sent; no entry below may be kept for it.
uint64_t needed_from(replica_pointer self);

void take_offer(replica_pointer self, const state_offer& x);
void take_report(replica_pointer self, const receive_report& x);
void install_when_quiet(replica_pointer self);

/// In replica.cpp: reads the state that was installed.
void restart_machine(replica_pointer self);

} // namespace overwatch::replica_group
