#pragma once

#include <caf/detail/message_data.hpp>
#include <caf/detail/tuple_vals.hpp>
#include <caf/detail/type_erased_value_impl.hpp>
#include <caf/type_erased_tuple.hpp>
#include <caf/type_id.hpp>

// What CAF needs to carry and to serialise messages is templates: thousands of functions in a file that sends a few
// dozen types, and half the time to compile it. Files only declare them; one file for each block makes them, with
// `template class` here: message_types.cpp for the block of type_ids.hpp.
#define OVERWATCH_MESSAGE_TEMPLATE extern template class

/// A line of a block of type ids. The name of the type is qualified and has no comma.
#define OVERWATCH_MESSAGE(block, type)                                                             \
  CAF_ADD_TYPE_ID(block, (type))                                                                   \
  OVERWATCH_MESSAGE_TEMPLATE caf::detail::type_erased_value_impl<type>;                            \
  OVERWATCH_MESSAGE_TEMPLATE caf::detail::tuple_vals_impl<caf::detail::message_data, type>;        \
  OVERWATCH_MESSAGE_TEMPLATE caf::detail::tuple_vals<type>;                                        \
  OVERWATCH_MESSAGE_TEMPLATE caf::detail::tuple_vals_impl<caf::type_erased_tuple, type>;
