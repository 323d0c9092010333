#include "messages/type_ids.hpp"

#undef OVERWATCH_MESSAGE_TEMPLATE
#define OVERWATCH_MESSAGE_TEMPLATE template class
#include "actors/wire.hpp"

#include <caf/actor_system_config.hpp>

namespace overwatch {

void add_node_messages(caf::actor_system_config& config) {
  add_messages(config);
  config.add_message_types<caf::id_block::overwatch_nodes>();
}

} // namespace overwatch
