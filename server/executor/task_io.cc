#include "executor/task_io.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

namespace weft {
namespace {

using sys::IoKind;
using sys::IoOperation;

// The most that one operation moves: its result is 32 bits.
constexpr size_t kBytesAtOnce = size_t{1} << 30;

}  // namespace

int TaskIo::Open(int directory, const char* path, uint64_t flags, uint32_t mode) {
  IoOperation operation{.kind = IoKind::kOpen, .fd = directory, .path = path};
  operation.how.flags = flags | O_CLOEXEC;
  operation.how.mode = mode;
  operation.how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(context_.RunIo(operation));
}

int TaskIo::Stat(int fd, struct statx* about) {
  IoOperation operation{.kind = IoKind::kStat, .fd = fd, .about = about};
  return static_cast<int>(context_.RunIo(operation));
}

int TaskIo::ReadAhead(int fd, uint64_t offset, uint32_t bytes) {
  IoOperation operation{.kind = IoKind::kReadAhead, .fd = fd, .bytes = bytes, .offset = offset};
  const int error = static_cast<int>(context_.RunIo(operation));
  return error == 0 && operation.was_missing ? 1 : error;
}

int TaskIo::Drop(int fd, uint64_t offset, uint32_t bytes) {
  IoOperation operation{.kind = IoKind::kDrop, .fd = fd, .bytes = bytes, .offset = offset};
  return static_cast<int>(context_.RunIo(operation));
}

int64_t TaskIo::Read(int fd, std::span<char> buffer, uint64_t offset) {
  size_t done = 0;
  while (done < buffer.size()) {
    IoOperation operation{.kind = IoKind::kRead, .fd = fd};
    operation.data = buffer.data() + done;
    operation.bytes = static_cast<uint32_t>(std::min(buffer.size() - done, kBytesAtOnce));
    operation.offset = offset + done;
    const int64_t moved = context_.RunIo(operation);
    if (moved == -EINTR) continue;
    if (moved < 0) return moved;
    if (moved == 0) break;
    done += static_cast<size_t>(moved);
  }
  return static_cast<int64_t>(done);
}

int64_t TaskIo::Write(int fd, std::string_view bytes, uint64_t offset) {
  size_t done = 0;
  while (done < bytes.size()) {
    IoOperation operation{.kind = IoKind::kWrite, .fd = fd};
    // The system reads it only.
    operation.data = const_cast<char*>(bytes.data()) + done;
    operation.bytes = static_cast<uint32_t>(std::min(bytes.size() - done, kBytesAtOnce));
    operation.offset = offset + done;
    const int64_t moved = context_.RunIo(operation);
    if (moved == -EINTR) continue;
    if (moved < 0) return moved;
    // A file system that takes nothing and gives no reason would be asked for ever.
    if (moved == 0) return -EIO;
    done += static_cast<size_t>(moved);
  }
  return static_cast<int64_t>(done);
}

int TaskIo::Fsync(int fd, Stop stop) {
  IoOperation operation{.kind = IoKind::kFsync, .runs_to_end = stop == Stop::kToTheEnd, .fd = fd};
  return static_cast<int>(context_.RunIo(operation));
}

int TaskIo::Rename(int directory, const char* from, const char* to) {
  IoOperation operation{.kind = IoKind::kRename, .runs_to_end = true, .fd = directory};
  operation.path = from;
  operation.new_path = to;
  return static_cast<int>(context_.RunIo(operation));
}

int TaskIo::Unlink(int directory, const char* path) {
  IoOperation operation{
      .kind = IoKind::kUnlink, .runs_to_end = true, .fd = directory, .path = path};
  return static_cast<int>(context_.RunIo(operation));
}

int TaskIo::Close(int fd) {
  IoOperation operation{.kind = IoKind::kClose, .runs_to_end = true, .fd = fd};
  return static_cast<int>(context_.RunIo(operation));
}

}  // namespace weft
