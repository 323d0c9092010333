#include "actors/task_codec.hpp"

#include "actors/invariant.hpp"
#include "actors/keys.hpp"
#include "messages/codec.hpp"

namespace overwatch {

namespace {

// Length-prefixed, so that the struct may grow while something follows it.
template <class T>
void append(std::string& out, const T& x) {
  auto bytes = encode(x);
  encoder{out}.put_size(bytes.size());
  out += bytes;
}

// Returns what follows.
template <class T>
std::string_view take(std::string_view record, T& x, std::string_view what) {
  decoder f{record};
  auto size = f.get_size();
  invariant(f.ok() && size <= f.rest().size() && decode(f.rest().substr(0, size), x), what);
  return f.rest().substr(size);
}

} // namespace

std::string encode_spec(const task_spec& spec, std::string_view payload) {
  std::string record;
  append(record, spec);
  record += payload;
  return record;
}

void decode_spec(std::string_view record, task_spec& spec, std::string* payload) {
  auto rest = take(record, spec, "a stored task is readable");
  if (payload)
    payload->assign(rest);
}

std::string encode_state(const task_state& state) {
  std::string record;
  append(record, state);
  return record;
}

std::string encode_task(const task_state& state, const task_spec& spec, std::string_view payload) {
  std::string record;
  append(record, state);
  append(record, spec);
  record += payload;
  return record;
}

std::string_view decode_state(std::string_view record, task_state& state) {
  return take(record, state, "a stored task state is readable");
}

bool read_task(const store_reader& db, const task_id& id, task_spec& spec, task_state& state, std::string* payload) {
  auto record = db.get(key_space::state, keys::state(id));
  if (!record)
    return false;
  auto whole = decode_state(*record, state);
  if (!whole.empty()) {
    decode_spec(whole, spec, payload);
    return true;
  }
  auto spec_record = db.get(key_space::state, keys::spec(id));
  if (!spec_record)
    return false; // deleted between the two
  decode_spec(*spec_record, spec, payload);
  return true;
}

} // namespace overwatch
