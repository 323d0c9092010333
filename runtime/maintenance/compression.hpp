#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace overwatch::maintenance {

enum class packing : uint8_t { none, gzip, zstd };

packing packing_of(const std::string& name);

/// `.gz`, `.zst` or nothing.
const char* ending_of(packing x);

/// Copies all that can be read from `from`, from its position on, packed, to `to`, and makes it durable. Memory does
/// not depend on the size. `go_on` is asked between blocks. 0, or an errno; ECANCELED when `go_on` said no.
int pack(int from, int to, packing how, const std::function<bool()>& go_on);

} // namespace overwatch::maintenance
