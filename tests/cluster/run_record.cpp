#include "tests/cluster/run_record.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace overwatch {

std::vector<std::string> run_record::recording_command() const {
  return {"/bin/sh", "-c", "echo $OVERWATCH_TASK_ID $OVERWATCH_ATTEMPT >> " + path_};
}

std::vector<std::string> run_record::holding_command() const {
  auto command = recording_command();
  command.back() += "; [ $OVERWATCH_ATTEMPT -gt 1 ] || exec sleep 600";
  return command;
}

uint64_t run_record::size() const {
  std::error_code missing;
  auto bytes = std::filesystem::file_size(path_, missing);
  return missing ? 0 : bytes;
}

std::vector<run_record::line> run_record::lines() const {
  std::vector<line> result;
  std::ifstream file{path_};
  uint64_t offset = 0;
  for (std::string text; std::getline(file, text); offset += text.size() + 1) {
    std::istringstream words{text};
    std::string id;
    line x;
    words >> id >> x.attempt;
    auto parsed = parse_task_id(id);
    if (!parsed || x.attempt == 0)
      throw std::runtime_error{"a line of the run record is damaged: " + text};
    x.offset = offset;
    x.id = *parsed;
    result.push_back(x);
  }
  return result;
}

} // namespace overwatch
