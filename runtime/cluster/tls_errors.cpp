#include "runtime/cluster/tls_errors.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <mutex>

namespace overwatch {

namespace {

// Called when a step of a handshake ends and when an alert was sent or came: after an error went into the queue. How
// the call itself ended is still told: a call that failed without an entry in the queue counts as failed.
void forget_errors(const SSL*, int, int) { ERR_clear_error(); }

// The side that is killed says no farewell. That is an end like any other, and no error for the queue.
void prepare(void* connection, void*, CRYPTO_EX_DATA*, int, long, void*) {
  auto* x = static_cast<SSL*>(connection);
  SSL_set_options(x, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_set_info_callback(x, forget_errors);
}

void clean_up(void*, void*, CRYPTO_EX_DATA*, int, long, void*) { ERR_clear_error(); }

} // namespace

void separate_tls_errors() {
  static std::once_flag once;
  std::call_once(once, [] { SSL_get_ex_new_index(0, nullptr, prepare, nullptr, clean_up); });
}

} // namespace overwatch
