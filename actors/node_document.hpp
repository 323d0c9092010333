#pragma once

#include <string>

namespace overwatch {

/// What a command said of a node, under its name in the documents of the control partition.
struct node_document {
  std::string address;  ///< host:port, under which its peers reach it
  bool removed = false; ///< it may not come back
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, node_document& x) {
  return f(x.address, x.removed);
}

} // namespace overwatch
