#include "runtime/backup/pack_file.hpp"

#include "runtime/backup/chunker.hpp"
#include "runtime/backup/failure.hpp"

#include <fcntl.h>
#include <zstd.h>

namespace overwatch::backup {

namespace {

constexpr std::string_view mark = "OWPACK1\n";
constexpr const char* table_purpose = "pack table";
constexpr size_t table_hash_bytes = 16;
constexpr size_t trailer_bytes = sizeof(uint32_t) + table_hash_bytes + sizeof(digest);
constexpr size_t row_bytes = sizeof(digest) + 2 * sizeof(uint32_t);
constexpr uint32_t raw_bit = 1U << 31;
constexpr size_t buffer_bytes = 1 << 20;

std::string_view text_of(const digest& x, size_t size = sizeof(digest)) {
  return {reinterpret_cast<const char*>(x.data()), size};
}

std::string table_of(const std::vector<packed_chunk>& chunks) {
  std::string result;
  result.reserve(chunks.size() * row_bytes);
  for (const auto& x : chunks) {
    result += text_of(x.id.bytes);
    append_u32(result, x.stored | (x.raw ? raw_bit : 0));
    append_u32(result, x.plain);
  }
  return result;
}

/// Making one for each chunk would take longer than most chunks.
ZSTD_DCtx* decompressor() {
  thread_local const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context{ZSTD_createDCtx(), &ZSTD_freeDCtx};
  return context.get();
}

[[noreturn]] void damaged(const std::string& path, const std::string& how) {
  throw repository_damaged{"the pack '" + path + "' is damaged: " + how};
}

} // namespace

std::string purpose_of(const chunk_id& id) { return "chunk " + std::string{text_of(id.bytes)}; }

pack_writer::pack_writer(int directory, std::string name) : name_{std::move(name)} {
  file_ = descriptor{::openat(directory, name_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!file_)
    fail("create", name_);
  buffer_.reserve(buffer_bytes);
  write(mark);
}

void pack_writer::write(std::string_view bytes) {
  hash_.add(bytes);
  bytes_ += bytes.size();
  if (buffer_.size() + bytes.size() > buffer_bytes)
    drain();
  if (bytes.size() > buffer_bytes)
    write_all(file_.get(), bytes, name_);
  else
    buffer_ += bytes;
}

void pack_writer::drain() {
  write_all(file_.get(), buffer_, name_);
  buffer_.clear();
}

void pack_writer::add(const chunk_id& id, std::string_view stored, uint32_t plain, bool raw) {
  chunks_.push_back({id, static_cast<uint32_t>(bytes_), static_cast<uint32_t>(stored.size()), plain, raw});
  write(stored);
}

std::string pack_writer::finish(const vault& secret) {
  auto table = secret.seal(table_of(chunks_), table_purpose);
  auto hash = hash_of(table);
  std::string size;
  append_u32(size, static_cast<uint32_t>(table.size()));
  write(table);
  write(size);
  write(text_of(hash, table_hash_bytes));
  auto whole = hash_.finish();
  drain();
  write_all(file_.get(), text_of(whole), name_);
  return to_hex(whole.data(), whole.size() / 2) + pack_ending;
}

std::vector<packed_chunk> read_pack_table(int file, const std::string& path, const vault& secret) {
  auto size = size_of(file, path);
  if (size < mark.size() + trailer_bytes)
    damaged(path, "it is too short");
  std::string trailer(trailer_bytes, '\0');
  if (!read_exactly(file, trailer.data(), trailer.size(), size - trailer.size(), path))
    damaged(path, "its end is missing");
  auto table_size = read_u32(trailer);
  if (table_size > size - mark.size() - trailer_bytes)
    damaged(path, "the size of its table is wrong");
  auto table_at = size - trailer_bytes - table_size;
  std::string table(table_size, '\0');
  if (!read_exactly(file, table.data(), table.size(), table_at, path))
    damaged(path, "its end is missing");
  if (text_of(hash_of(table), table_hash_bytes) != std::string_view{trailer}.substr(sizeof(uint32_t), table_hash_bytes))
    damaged(path, "the hash of its table differs");
  auto rows = secret.open(table, table_purpose);
  if (!rows || rows->size() % row_bytes != 0)
    damaged(path, "its table cannot be read");
  std::vector<packed_chunk> result;
  result.reserve(rows->size() / row_bytes);
  uint64_t offset = mark.size();
  for (size_t at = 0; at < rows->size(); at += row_bytes) {
    auto row = std::string_view{*rows}.substr(at, row_bytes);
    packed_chunk x;
    std::memcpy(x.id.bytes.data(), row.data(), sizeof(digest));
    auto stored = read_u32(row.substr(sizeof(digest)));
    x.raw = (stored & raw_bit) != 0;
    x.stored = stored & ~raw_bit;
    x.plain = read_u32(row.substr(sizeof(digest) + sizeof(uint32_t)));
    x.offset = static_cast<uint32_t>(offset);
    offset += x.stored;
    if (offset > table_at || x.plain > max_chunk_bytes)
      damaged(path, "its table contradicts itself");
    result.push_back(x);
  }
  return result;
}

std::optional<std::string> unpack(const packed_chunk& x, std::string_view stored, const vault& secret) {
  std::string opened;
  if (secret.sealed()) {
    auto bytes = secret.open(stored, purpose_of(x.id));
    if (!bytes)
      return std::nullopt;
    opened = std::move(*bytes);
    stored = opened;
  }
  std::string content;
  if (x.raw) {
    content = stored;
  } else {
    content.resize(x.plain);
    auto size = ZSTD_decompressDCtx(decompressor(), content.data(), content.size(), stored.data(), stored.size());
    if (ZSTD_isError(size) != 0 || size != x.plain)
      return std::nullopt;
  }
  if (content.size() != x.plain || secret.id_of(content) != x.id)
    return std::nullopt;
  return content;
}

} // namespace overwatch::backup
