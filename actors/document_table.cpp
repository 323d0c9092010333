#include "actors/document_table.hpp"

#include "actors/invariant.hpp"
#include "actors/keys.hpp"
#include "messages/codec.hpp"

#include <algorithm>

namespace overwatch {

namespace {

size_t bytes_of(const std::string& name, const document_table::row& x) {
  return name.size() + x.value->size();
}

} // namespace

document_table::document_table(const store_reader& base, partition_id partition) : partition_{partition} {
  auto first = keys::prefix(partition, 'j');
  for (auto i = base.scan(key_space::state, first, keys::after_prefix(first)); i->valid(); i->next()) {
    auto text = i->key().substr(first.size());
    auto kind = static_cast<document_kind>(text.front());
    row x;
    std::string value;
    decoder f{i->value()};
    invariant(f(x.version, x.changed_at, value), "a stored document is readable");
    x.value = std::make_shared<const std::string>(std::move(value));
    std::string name{text.substr(1)};
    if (kind == document_kind::key)
      key_bytes_ += bytes_of(name, x);
    rows_.emplace(key{kind, std::move(name)}, std::move(x));
  }
}

const document_table::row* document_table::find(document_kind kind, const std::string& name) const {
  auto i = rows_.find({kind, name});
  return i == rows_.end() ? nullptr : &i->second;
}

void document_table::put(document_kind kind, const std::string& name, std::shared_ptr<const std::string> value,
                         uint64_t version, timestamp time, applied_entry& out) {
  auto i = rows_.find({kind, name});
  if (i != rows_.end() && kind == document_kind::key)
    key_bytes_ -= bytes_of(name, i->second);
  if (value) {
    row x{value, version, time};
    if (kind == document_kind::key)
      key_bytes_ += bytes_of(name, x);
    rows_.insert_or_assign({kind, name}, std::move(x));
  } else if (i != rows_.end()) {
    rows_.erase(i);
  }
  dirty_.emplace_back(kind, name);
  out.documents.push_back({kind, name, version, std::move(value)});
}

std::pair<document_table::rows::const_iterator, document_table::rows::const_iterator>
document_table::with_prefix(document_kind kind, const std::string& prefix) const {
  auto first = rows_.lower_bound({kind, prefix});
  auto end = keys::after_prefix(prefix);
  auto last = end.empty() ? rows_.lower_bound({static_cast<document_kind>(static_cast<int>(kind) + 1), {}})
                          : rows_.lower_bound({kind, end});
  return {first, last};
}

void document_table::flush(write_batch& batch) {
  std::sort(dirty_.begin(), dirty_.end());
  dirty_.erase(std::unique(dirty_.begin(), dirty_.end()), dirty_.end());
  for (const auto& [kind, name] : std::exchange(dirty_, {})) {
    auto stored = keys::document(partition_, static_cast<char>(kind), name);
    if (const auto* x = find(kind, name)) {
      std::string value;
      encoder{value}(x->version, x->changed_at, *x->value);
      batch.put(key_space::state, std::move(stored), std::move(value));
    } else {
      batch.erase(key_space::state, std::move(stored));
    }
  }
}

} // namespace overwatch
