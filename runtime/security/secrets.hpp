#pragma once

#include <optional>
#include <string>
#include <string_view>

/// What by its name may hold a secret, and whether it does.
namespace overwatch::security {

enum class secret_kind : unsigned char {
  password_hashes, ///< shadow files: by their place alone
  private_key,
  settings,    ///< NAME=value with a name such as DB_PASSWORD
  credentials, ///< of a program, by its file's name: .netrc, .pgpass, ...
};

/// Nothing when neither path nor name speak of a secret.
std::optional<secret_kind> secret_kind_of(std::string_view path);

/// True when `text` (the begin of the file) holds one of that kind.
bool has_secret(secret_kind kind, std::string_view path, std::string_view text);

/// True for a private key that needs a passphrase.
bool is_encrypted_key(std::string_view text);

/// True below directories that hold material to test or show programs: keys there open nothing.
bool is_test_material(std::string_view path);

} // namespace overwatch::security
