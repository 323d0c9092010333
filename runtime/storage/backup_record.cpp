#include "runtime/storage/backup_record.hpp"

#include <boost/crc.hpp>

#include <algorithm>
#include <sstream>

namespace overwatch {

namespace {

constexpr const char* first_line = "overwatch-store-backup 1";

// Names stand at the end of their lines and must not end them.
std::string one_line(std::string text) {
  std::replace_if(
    text.begin(), text.end(), [](unsigned char c) { return c < ' '; }, '?');
  return text;
}

} // namespace

uint32_t checksum_of(const std::string& bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

std::string to_text(const backup_record& x) {
  std::ostringstream out;
  out << first_line << "\nbackup " << x.backup.id << ' ' << x.backup.time.time_since_epoch().count() << ' '
      << x.backup.bytes << ' ' << x.backup.files << ' ' << x.backup.new_bytes << ' ' << x.backup.new_files << '\n'
      << "store " << x.store_format << ' ' << x.list_checksum << '\n'
      << "node " << one_line(x.backup.node) << '\n';
  for (const auto& file : x.files)
    out << "file " << file.size << ' ' << file.checksum << ' ' << one_line(file.name) << '\n';
  auto text = out.str();
  return text + "checksum " + std::to_string(checksum_of(text)) + "\n";
}

std::optional<backup_record> parse_record(const std::string& text) {
  auto last = text.rfind("checksum ");
  if (last == std::string::npos ||
      text.substr(last) != "checksum " + std::to_string(checksum_of(text.substr(0, last))) + "\n")
    return std::nullopt;
  std::istringstream lines{text.substr(0, last)};
  std::string line;
  if (!std::getline(lines, line) || line != first_line)
    return std::nullopt;
  backup_record x;
  while (std::getline(lines, line)) {
    std::istringstream in{line};
    std::string kind;
    in >> kind;
    if (kind == "backup") {
      int64_t time = 0;
      in >> x.backup.id >> time >> x.backup.bytes >> x.backup.files >> x.backup.new_bytes >> x.backup.new_files;
      x.backup.time = timestamp{std::chrono::microseconds{time}};
    } else if (kind == "store") {
      in >> x.store_format >> x.list_checksum;
    } else if (kind == "node") {
      std::getline(in >> std::ws, x.backup.node);
    } else if (kind == "file") {
      recorded_file file;
      in >> file.size >> file.checksum;
      std::getline(in >> std::ws, file.name);
      x.files.push_back(std::move(file));
    }
  }
  return x;
}

} // namespace overwatch
