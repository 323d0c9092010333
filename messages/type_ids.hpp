#pragma once

#include "messages/event.hpp"
#include "messages/metric.hpp"
#include "messages/requests.hpp"

#include <caf/type_id.hpp>

/// The types that may cross between nodes. Append only: a number is part of the protocol.
CAF_BEGIN_TYPE_ID_BLOCK(overwatch, first_custom_type_id)
  CAF_ADD_TYPE_ID(overwatch, (overwatch::submit_request))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::submit_reply))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::submit_receipt))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::get_request))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::wait_request))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::cancel_request))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::retry_request))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::remove_request))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::why_request))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::why_reply))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::log_request))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::log_page))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::list_request))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::task_page))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::task_record))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::stats_request))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::stats_reply))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::status_request))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::node_status))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::pools_request))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::pools_reply))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::workers_request))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::workers_reply))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::dispatch_request))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::dispatch_reply))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::settings_request))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::settings_reply))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::generate_request))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::event_request))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::event_batch))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::metrics_request))
  CAF_ADD_TYPE_ID(overwatch, (overwatch::metrics_reply))
CAF_END_TYPE_ID_BLOCK(overwatch)
