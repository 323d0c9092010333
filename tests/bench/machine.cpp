#include "tests/bench/machine.hpp"

#include "tests/bench/histogram.hpp"

#include <rocksdb/db.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace overwatch::bench {

namespace {

using clock = std::chrono::steady_clock;

constexpr size_t fsync_bytes = 4096;
constexpr size_t batch_records = 100;
constexpr size_t record_bytes = 400;

double seconds_since(clock::time_point start) { return std::chrono::duration<double>(clock::now() - start).count(); }

/// The value behind `key` in a file of lines `key : value`.
std::string value_of(const std::string& path, const std::string& key) {
  std::ifstream file{path};
  for (std::string line; std::getline(file, line);)
    if (line.rfind(key, 0) == 0)
      if (auto colon = line.find(':'); colon != std::string::npos)
        if (auto begin = line.find_first_not_of(" \t", colon + 1); begin != std::string::npos)
          return line.substr(begin);
  return {};
}

/// File system of the mount point on `device` (`major:minor`), from the lines of mountinfo:
/// `id parent major:minor root point options... - type source options`.
std::string file_system_of(const std::string& device) {
  std::ifstream file{"/proc/self/mountinfo"};
  for (std::string line; std::getline(file, line);) {
    std::istringstream words{line};
    std::string id, parent, number, type;
    words >> id >> parent >> number;
    if (auto dash = line.find(" - "); number == device && dash != std::string::npos) {
      std::istringstream{line.substr(dash + 3)} >> type;
      return type;
    }
  }
  return "unknown file system";
}

std::string describe_disk() {
  struct stat here {};
  if (stat(".", &here) != 0)
    throw std::system_error{errno, std::generic_category(), "stat ."};
  auto number = std::to_string(major(here.st_dev)) + ":" + std::to_string(minor(here.st_dev));
  auto system = file_system_of(number);
  std::error_code missing;
  auto device = std::filesystem::canonical("/sys/dev/block/" + number, missing);
  if (missing)
    return system;
  auto name = device.filename().string();
  if (std::filesystem::exists(device / "partition"))
    device = device.parent_path();
  int rotational = 0;
  std::ifstream{device / "queue/rotational"} >> rotational;
  std::string kind = rotational != 0 ? "rotational" : "solid state";
  if (name.rfind("vd", 0) == 0)
    kind = "virtual, says it is " + kind;
  return name + " (" + kind + "), " + system;
}

} // namespace

machine describe_machine() {
  machine result;
  result.processor = value_of("/proc/cpuinfo", "model name");
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0)
    result.cores = static_cast<uint32_t>(CPU_COUNT(&allowed));
  result.memory_mb = std::strtoull(value_of("/proc/meminfo", "MemTotal").c_str(), nullptr, 10) / 1024;
  result.disk = describe_disk();
  utsname kernel{};
  if (uname(&kernel) == 0)
    result.kernel = std::string{kernel.sysname} + " " + kernel.release;
  return result;
}

fsync_result measure_fsync(const std::string& directory, std::chrono::milliseconds duration) {
  auto path = directory + "/fsync";
  int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0)
    throw std::system_error{errno, std::generic_category(), "open " + path};
  const std::string block(fsync_bytes, 'x');
  histogram latencies;
  auto start = clock::now();
  auto now = start;
  while (now - start < duration) {
    if (write(fd, block.data(), block.size()) != static_cast<ssize_t>(block.size()) || fdatasync(fd) != 0) {
      auto reason = errno;
      close(fd);
      throw std::system_error{reason, std::generic_category(), "append and fdatasync " + path};
    }
    auto end = clock::now();
    latencies.add(end - now);
    now = end;
  }
  close(fd);
  auto seconds = std::chrono::duration<double>(now - start).count();
  return {static_cast<double>(latencies.total()) / seconds, latencies.percentile_us(0.5),
          latencies.percentile_us(0.99)};
}

double measure_rocksdb(const std::string& directory, std::chrono::milliseconds duration) {
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* opened = nullptr;
  auto status = rocksdb::DB::Open(options, directory + "/rocksdb", &opened);
  if (!status.ok())
    throw std::runtime_error{"RocksDB: " + status.ToString()};
  std::unique_ptr<rocksdb::DB> db{opened};
  rocksdb::WriteOptions synced;
  synced.sync = true;
  const std::string value(record_bytes, 'x');
  uint64_t records = 0;
  auto start = clock::now();
  while (clock::now() - start < duration) {
    rocksdb::WriteBatch batch;
    for (size_t i = 0; i < batch_records; ++i, ++records) {
      auto number = __builtin_bswap64(records); // big-endian: keys ascend, as ids do
      batch.Put({reinterpret_cast<const char*>(&number), sizeof(number)}, value);
    }
    status = db->Write(synced, &batch);
    if (!status.ok())
      throw std::runtime_error{"RocksDB: " + status.ToString()};
  }
  return static_cast<double>(records) / seconds_since(start);
}

} // namespace overwatch::bench
