#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace overwatch::security {

/// Takes text piece by piece; hexadecimal digits at the end.
class digest {
public:
  enum class kind { sha256, md5 };

  explicit digest(kind which = kind::sha256);
  ~digest();
  void add(std::string_view bytes);
  std::string finish(); ///< once

private:
  struct state;
  std::unique_ptr<state> state_;
};

std::string digest_of(std::string_view text);

/// Of the content of the regular file `name` in an open directory; nothing when it cannot be read to its end. `tick`
/// gets the size of each piece and may throw.
std::optional<std::string> digest_of_file(int directory, const char* name, digest::kind which,
                                          const std::function<void(size_t)>& tick);

} // namespace overwatch::security
