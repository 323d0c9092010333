#pragma once

#include "actors/replica.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

/// How the state of a replica gets to the store, and what is read of it: from memory, or from the store once that shows
/// what is applied. Only for the source files
/// of the replica.
namespace overwatch::replica_store {

using replica_pointer = replica_actor::stateful_pointer<replica_state>;

inline constexpr auto read_timeout = std::chrono::seconds{30};

void keep_ticking(replica_pointer self);

void flush(replica_pointer self);
void flush_when_due(replica_pointer self);
void flush_done(replica_pointer self, uint64_t number);

/// Calls `next` with a position once the store shows all that is applied now.
void after_flush(replica_pointer self, std::function<void(uint64_t)> next);

/// Flushes, lets the task_reader read, and answers with `finish(page, applied, reading)`.
template <class Page, class Request, class Finish>
caf::result<Page> read_page(replica_pointer self, const Request& request, Finish finish) {
  auto promise = self->make_response_promise<Page>();
  after_flush(self, [=](uint64_t applied) mutable {
    auto reading = self->state.machine->begin_reading();
    self->request(self->state.links.reader, read_timeout, request)
      .then(
        [=](Page& page) mutable {
          finish(page, applied, reading);
          self->state.machine->end_reading(reading);
          promise.deliver(std::move(page));
        },
        [=](caf::error& error) mutable {
          self->state.machine->end_reading(reading);
          promise.deliver(std::move(error));
        });
  });
  return promise;
}

inline constexpr auto no_more = [](auto&, uint64_t, uint64_t) {};

caf::error no_task(const task_id& id);
caf::result<task_record> wait_for(replica_pointer self, const wait_request& x);
void answer_waits(replica_pointer self, const applied_entry& entry);
void expire_waits(replica_pointer self);
void keep_page(replica_pointer self, ready_page& page, uint64_t reading);
document_page read_documents(const partition_state& machine, const documents_request& x);
caf::result<document> read_document(const partition_state& machine, const document_request& x);
caf::result<workflow_record> read_workflow(const partition_state& machine, const task_id& id);
remote_parents_page read_remote_parents(const partition_state& machine, const remote_parents_request& x);
caf::result<snapshot_record> read_saved(const partition_state& machine, const task_id& id);

} // namespace overwatch::replica_store
