#pragma once

namespace overwatch {

/// Keeps what goes wrong on one TLS connection from the others. OpenSSL has one queue of errors per thread and looks
/// there to say how a call ended; CAF serves all connections on one thread and never empties it. Without this, a peer
/// that is killed, a stranger without a certificate or a mere probe of the port makes CAF close whatever connection it
/// serves next. Once per process, before the first connection.
void separate_tls_errors();

} // namespace overwatch
