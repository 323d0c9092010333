#include "runtime/security/secrets.hpp"

#include "runtime/security/lines.hpp"

#include <algorithm>
#include <array>

namespace overwatch::security {

namespace {

template <size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::string_view parent_name(std::string_view path) {
  auto parent = path.substr(0, path.rfind('/'));
  return parent.substr(parent.rfind('/') + 1);
}

bool is_key_name(std::string_view name) {
  if (ends_with(name, ".pub") || ends_with(name, ".crt"))
    return false;
  return begins_with(name, "id_") || (begins_with(name, "ssh_host_") && ends_with(name, "_key")) ||
         ends_with(name, ".pem") || ends_with(name, ".key") || ends_with(name, ".ovpn") || name == "identity";
}

bool is_env_name(std::string_view name) {
  static constexpr std::array<std::string_view, 6> samples{".example", ".sample", ".template",
                                                           ".dist",    ".tmpl",   ".defaults"};
  return (name == ".env" || begins_with(name, ".env.")) &&
         std::none_of(samples.begin(), samples.end(), [&](auto end) { return ends_with(name, end); });
}

bool is_credentials_path(std::string_view path, std::string_view name) {
  static constexpr std::array<std::string_view, 9> names{
    ".pgpass", ".netrc", "_netrc", ".my.cnf", ".git-credentials", ".npmrc", ".pypirc", ".vault-token", ".s3cfg"};
  auto parent = parent_name(path);
  return is_one_of(name, names) || (parent == ".aws" && name == "credentials") ||
         (parent == ".docker" && name == "config.json") || (parent == ".kube" && name == "config") ||
         (parent == "wireguard" && ends_with(name, ".conf"));
}

// A value that somebody would have to keep secret: no placeholder, no reference to another variable.
bool is_secret_value(std::string_view value) {
  static constexpr std::array<std::string_view, 9> empty_words{"changeme", "change-me", "null",        "none", "true",
                                                               "false",    "xxxx",      "your-secret", "todo"};
  value = trimmed(value);
  if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front())
    value = value.substr(1, value.size() - 2);
  auto word = lower(value);
  return value.size() >= 4 && value.front() != '$' && value.front() != '<' && value.front() != '#' &&
         !begins_with(word, "your") && !is_one_of(std::string_view{word}, empty_words);
}

bool has_secret_setting(std::string_view text) {
  static constexpr std::array<std::string_view, 8> marks{"PASSWORD", "PASSWD", "SECRET",     "TOKEN",
                                                         "API_KEY",  "APIKEY", "ACCESS_KEY", "PRIVATE_KEY"};
  bool result = false;
  for_each_line(text, [&](std::string_view line) {
    line = trimmed(line);
    auto equals = line.find('=');
    if (result || line.empty() || line.front() == '#' || equals == std::string_view::npos)
      return;
    std::string name{line.substr(0, equals)};
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    result = std::any_of(marks.begin(), marks.end(), [&](auto mark) { return name.find(mark) != std::string::npos; }) &&
             is_secret_value(line.substr(equals + 1));
  });
  return result;
}

bool has_word(std::string_view text, std::string_view word) { return lower(text).find(word) != std::string::npos; }

bool has_credentials(std::string_view path, std::string_view text) {
  auto name = path.substr(path.rfind('/') + 1);
  if (name == ".netrc" || name == "_netrc" || name == ".my.cnf" || name == ".pypirc")
    return has_word(text, "password");
  if (name == ".npmrc")
    return has_word(text, "_auth") || has_word(text, "_password");
  if (name == ".s3cfg" || name == "credentials")
    return has_word(text, "secret_key") || has_word(text, "secret_access_key");
  if (name == "config.json")
    return has_word(text, "\"auth\"") || has_word(text, "identitytoken");
  if (name == "config")
    return has_word(text, "token:") || has_word(text, "client-key-data") || has_word(text, "password:");
  if (ends_with(name, ".conf"))
    return has_word(text, "privatekey");
  return !trimmed(text).empty();
}

} // namespace

std::optional<secret_kind> secret_kind_of(std::string_view path) {
  static constexpr std::array<std::string_view, 5> hashes{"/etc/shadow", "/etc/shadow-", "/etc/gshadow",
                                                          "/etc/gshadow-", "/etc/security/opasswd"};
  auto name = path.substr(path.rfind('/') + 1);
  if (is_one_of(path, hashes))
    return secret_kind::password_hashes;
  if (is_env_name(name))
    return secret_kind::settings;
  if (is_credentials_path(path, name))
    return secret_kind::credentials;
  if (is_key_name(name))
    return secret_kind::private_key;
  return std::nullopt;
}

bool has_secret(secret_kind kind, std::string_view path, std::string_view text) {
  switch (kind) {
  case secret_kind::password_hashes:
    return text.find('$') != std::string_view::npos;
  case secret_kind::private_key: {
    // At the begin of a line: programs that read keys mention it, too.
    auto at = text.find("-----BEGIN ");
    for (; at != std::string_view::npos; at = text.find("-----BEGIN ", at + 1)) {
      auto line = text.substr(at, text.find('\n', at) - at);
      if ((at == 0 || text[at - 1] == '\n') && line.find("PRIVATE KEY-----") != std::string_view::npos)
        return true;
    }
    return false;
  }
  case secret_kind::settings:
    return has_secret_setting(text);
  case secret_kind::credentials:
    return has_credentials(path, text);
  }
  return false;
}

bool is_encrypted_key(std::string_view text) {
  return text.find("BEGIN ENCRYPTED PRIVATE KEY") != std::string_view::npos ||
         text.find("Proc-Type: 4,ENCRYPTED") != std::string_view::npos;
}

bool is_test_material(std::string_view path) {
  static constexpr std::array<std::string_view, 24> names{
    "test",     "tests",   "testing", "testdata", "test-data",    "test_data",     "test_certs",    "testsuite",
    "fixtures", "fixture", "example", "examples", "sample",       "samples",       "demo",          "demos",
    "doc",      "docs",    "spec",    "mock",     "node_modules", "site-packages", "dist-packages", "selftests"};
  auto parts = split(path.substr(0, path.rfind('/')), '/');
  return std::any_of(parts.begin(), parts.end(), [](std::string_view part) { return is_one_of(part, names); });
}

} // namespace overwatch::security
