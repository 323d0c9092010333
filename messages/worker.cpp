#include "messages/worker.hpp"

namespace overwatch {

std::string node_of_worker(const std::string& worker) {
  auto end = worker.rfind(':'); // a node's name may hold one, the random part does not
  return end == std::string::npos ? std::string{} : worker.substr(0, end);
}

} // namespace overwatch
