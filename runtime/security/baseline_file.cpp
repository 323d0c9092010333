#include "runtime/security/baseline_file.hpp"

#include "runtime/security/lines.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace overwatch::security {

namespace {

constexpr std::string_view first_line = "overwatch-baseline 1";
constexpr std::string_view last_word = "end ";
constexpr size_t line_fields = 7;

std::string escaped(std::string_view path) {
  std::string result;
  for (char c : path)
    result += c == '\n' ? "\\n" : c == '\\' ? "\\\\" : std::string(1, c);
  return result;
}

std::string unescaped(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size())
      result += text[i];
    else
      result += text[++i] == 'n' ? '\n' : text[i];
  }
  return result;
}

std::string octal(uint32_t mode) {
  char text[16];
  std::snprintf(text, sizeof(text), "%04o", mode);
  return text;
}

} // namespace

std::string line_of(const baseline_entry& x) {
  return std::string(1, x.kind) + ' ' + octal(x.mode) + ' ' + std::to_string(x.uid) + ' ' + std::to_string(x.gid) +
         ' ' + std::to_string(x.size) + ' ' + x.content + ' ' + escaped(x.path);
}

std::optional<baseline_entry> parse_baseline_line(std::string_view line) {
  std::string_view fields[line_fields];
  for (size_t i = 0; i + 1 < line_fields; ++i) {
    auto end = line.find(' ');
    if (end == std::string_view::npos)
      return std::nullopt;
    fields[i] = line.substr(0, end);
    line.remove_prefix(end + 1);
  }
  auto mode = number_of<uint32_t>(fields[1], 8);
  auto uid = number_of<uint32_t>(fields[2]);
  auto gid = number_of<uint32_t>(fields[3]);
  auto size = number_of<uint64_t>(fields[4]);
  if (fields[0].size() != 1 || !mode || !uid || !gid || !size || fields[5].empty() || line.empty() ||
      line.front() != '/')
    return std::nullopt;
  return baseline_entry{fields[0][0], *mode, *uid, *gid, *size, std::string{fields[5]}, unescaped(line)};
}

std::string difference_of(const baseline_entry& before, const baseline_entry& now) {
  if (before.kind != now.kind)
    return "it is of another kind now";
  std::string result;
  auto add = [&](const std::string& text) { result += (result.empty() ? "" : ", ") + text; };
  if (before.content != now.content && before.content != "-" && now.content != "-")
    add(now.kind == 'l' ? "the link leads elsewhere" : std::string{content_changed});
  if (before.mode != now.mode)
    add("mode " + octal(before.mode) + " became " + octal(now.mode));
  if (before.uid != now.uid || before.gid != now.gid)
    add("owner " + std::to_string(before.uid) + ":" + std::to_string(before.gid) + " became " +
        std::to_string(now.uid) + ":" + std::to_string(now.gid));
  return result;
}

bool comes_before(std::string_view x, std::string_view y) {
  auto weight = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c) + 1; };
  return std::lexicographical_compare(x.begin(), x.end(), y.begin(), y.end(),
                                      [&](char a, char b) { return weight(a) < weight(b); });
}

baseline_writer::baseline_writer(const std::string& path) : path_{path}, unfinished_{path + ".new"}, file_{nullptr} {
  auto fd = ::open(unfinished_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  file_ = fd < 0 ? nullptr : ::fdopen(fd, "w");
  if (file_ == nullptr)
    throw std::system_error{errno, std::generic_category(), unfinished_};
  write(std::string{first_line} + "\n");
}

baseline_writer::~baseline_writer() {
  if (file_ == nullptr)
    return;
  std::fclose(file_);
  ::unlink(unfinished_.c_str());
}

void baseline_writer::write(const std::string& line) {
  digest_.add(line);
  std::fwrite(line.data(), 1, line.size(), file_);
}

void baseline_writer::add(const baseline_entry& x) {
  write(line_of(x) + "\n");
  ++count_;
}

void baseline_writer::finish() {
  auto last = std::string{last_word} + std::to_string(count_) + " " + digest_.finish() + "\n";
  std::fwrite(last.data(), 1, last.size(), file_);
  auto good = std::fflush(file_) == 0 && std::ferror(file_) == 0 && ::fsync(::fileno(file_)) == 0 &&
              ::rename(unfinished_.c_str(), path_.c_str()) == 0;
  if (!good)
    throw std::system_error{errno, std::generic_category(), path_};
  std::fclose(file_);
  file_ = nullptr;
}

baseline_reader::baseline_reader(const std::string& path) : file_{std::fopen(path.c_str(), "re")} {}

baseline_reader::~baseline_reader() {
  if (file_ != nullptr)
    std::fclose(file_);
}

bool baseline_reader::read_line(std::string& line) {
  char* text = nullptr;
  size_t room = 0;
  auto size = ::getline(&text, &room, file_);
  line.assign(text == nullptr ? "" : text, static_cast<size_t>(std::max<ssize_t>(size, 0)));
  std::free(text);
  return size > 0;
}

bool baseline_reader::verify() {
  digest whole;
  std::string line;
  uint64_t lines = 0;
  bool good = false;
  for (std::rewind(file_); read_line(line); ++lines) {
    if (begins_with(line, last_word)) {
      size_ = lines == 0 ? 0 : lines - 1;
      good = line == std::string{last_word} + std::to_string(size_) + " " + whole.finish() + "\n" && !read_line(line);
      break;
    }
    whole.add(line);
  }
  std::rewind(file_);
  good = good && read_line(line) && trimmed(line) == first_line;
  if (good)
    next();
  return good;
}

void baseline_reader::next() {
  std::string line;
  current_.reset();
  if (read_line(line) && !begins_with(line, last_word) && line.back() == '\n')
    current_ = parse_baseline_line(std::string_view{line}.substr(0, line.size() - 1));
}

} // namespace overwatch::security
