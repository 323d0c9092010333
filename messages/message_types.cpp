#include "messages/message_type.hpp"

#undef OVERWATCH_MESSAGE_TEMPLATE
#define OVERWATCH_MESSAGE_TEMPLATE template class
#include "messages/type_ids.hpp"

#include <caf/actor_system_config.hpp>

namespace overwatch {

void add_messages(caf::actor_system_config& config) {
  config.add_message_types<caf::id_block::overwatch>();
}

} // namespace overwatch
