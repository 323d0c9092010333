#include "runtime/maintenance/compression.hpp"

#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include <cerrno>
#include <memory>
#include <vector>

namespace overwatch::maintenance {

namespace {

constexpr size_t block_bytes = 256 * 1024;
constexpr int zstd_level = 3;
constexpr int gzip_window = 15 + 16; // zlib's way to ask for gzip's format

int write_all(int to, const char* data, size_t size) {
  while (size > 0) {
    auto written = ::write(to, data, size);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return written < 0 ? errno : ENOSPC;
    data += written;
    size -= static_cast<size_t>(written);
  }
  return 0;
}

/// Takes blocks of content and writes them packed. 0, or an errno.
class packer {
public:
  virtual ~packer() = default;
  virtual int add(const char* data, size_t size, bool last) = 0;
};

class plain_packer final : public packer {
public:
  explicit plain_packer(int to) : to_{to} {}
  int add(const char* data, size_t size, bool) override { return write_all(to_, data, size); }

private:
  int to_;
};

class zstd_packer final : public packer {
public:
  explicit zstd_packer(int to)
    : to_{to}, context_{::ZSTD_createCCtx(), &::ZSTD_freeCCtx}, out_(::ZSTD_CStreamOutSize()) {
    if (context_) {
      ::ZSTD_CCtx_setParameter(context_.get(), ::ZSTD_c_compressionLevel, zstd_level);
      ::ZSTD_CCtx_setParameter(context_.get(), ::ZSTD_c_checksumFlag, 1);
    }
  }

  int add(const char* data, size_t size, bool last) override {
    if (!context_)
      return ENOMEM;
    ::ZSTD_inBuffer in{data, size, 0};
    for (size_t left = 1; last ? left != 0 : in.pos < in.size;) {
      ::ZSTD_outBuffer out{out_.data(), out_.size(), 0};
      left = ::ZSTD_compressStream2(context_.get(), &out, &in, last ? ::ZSTD_e_end : ::ZSTD_e_continue);
      if (::ZSTD_isError(left) != 0)
        return EIO;
      if (int error = write_all(to_, out_.data(), out.pos); error != 0)
        return error;
    }
    return 0;
  }

private:
  int to_;
  std::unique_ptr<::ZSTD_CCtx, size_t (*)(::ZSTD_CCtx*)> context_;
  std::vector<char> out_;
};

class gzip_packer final : public packer {
public:
  explicit gzip_packer(int to) : to_{to}, out_(block_bytes) {
    good_ = ::deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~gzip_packer() override {
    if (good_)
      ::deflateEnd(&stream_);
  }

  int add(const char* data, size_t size, bool last) override {
    if (!good_)
      return ENOMEM;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data));
    stream_.avail_in = static_cast<uInt>(size);
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
      stream_.avail_out = static_cast<uInt>(out_.size());
      if (::deflate(&stream_, last ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR)
        return EIO;
      if (int error = write_all(to_, out_.data(), out_.size() - stream_.avail_out); error != 0)
        return error;
    } while (stream_.avail_out == 0);
    return 0;
  }

private:
  int to_;
  ::z_stream stream_{};
  std::vector<char> out_;
  bool good_ = false;
};

std::unique_ptr<packer> make_packer(int to, packing how) {
  if (how == packing::zstd)
    return std::make_unique<zstd_packer>(to);
  if (how == packing::gzip)
    return std::make_unique<gzip_packer>(to);
  return std::make_unique<plain_packer>(to);
}

} // namespace

packing packing_of(const std::string& name) {
  return name == "zstd" ? packing::zstd : name == "gzip" ? packing::gzip : packing::none;
}

const char* ending_of(packing x) { return x == packing::zstd ? ".zst" : x == packing::gzip ? ".gz" : ""; }

int pack(int from, int to, packing how, const std::function<bool()>& go_on) {
  auto target = make_packer(to, how);
  std::vector<char> block(block_bytes);
  for (;;) {
    if (!go_on())
      return ECANCELED;
    auto size = ::read(from, block.data(), block.size());
    if (size < 0 && errno == EINTR)
      continue;
    if (size < 0)
      return errno;
    if (int error = target->add(block.data(), static_cast<size_t>(size), size == 0); error != 0)
      return error;
    if (size == 0)
      return ::fsync(to) == 0 ? 0 : errno;
  }
}

} // namespace overwatch::maintenance
