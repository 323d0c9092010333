#include "actors/task_codec.hpp"

#include "actors/invariant.hpp"
#include "messages/codec.hpp"

namespace overwatch {

std::string encode_spec(const task_spec& spec, std::string_view payload) {
  auto bytes = encode(spec);
  std::string record;
  record.reserve(bytes.size() + payload.size() + 4);
  encoder f{record};
  f.put_size(bytes.size());
  record += bytes;
  record += payload;
  return record;
}

void decode_spec(std::string_view record, task_spec& spec, std::string* payload) {
  decoder f{record};
  auto size = f.get_size();
  invariant(f.ok() && size <= f.rest().size() && decode(f.rest().substr(0, size), spec), "a stored task is readable");
  if (payload)
    payload->assign(f.rest().substr(size));
}

std::string encode_state(const task_state& state) { return encode(state); }

void decode_state(std::string_view record, task_state& state) {
  invariant(decode(record, state), "a stored task state is readable");
}

} // namespace overwatch
