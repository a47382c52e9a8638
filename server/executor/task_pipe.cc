#include "executor/task_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace weft {
namespace {

StreamEnd ReadEnd(int fd) { return {.fd = fd, .kind = sys::IoKind::kStreamRead}; }

// Each end has flags of its own.
int MakeNonBlocking(int fd) { return ::fcntl(fd, F_SETFL, O_NONBLOCK) == 0 ? 0 : -errno; }

}  // namespace

int64_t PipeReader::Read(TaskContext& context, std::span<char> buffer, int64_t limit_ns) {
  return ReadSome(context, ReadEnd(fd()), buffer, limit_ns);
}

int64_t PipeReader::ReadExactly(TaskContext& context, std::span<char> buffer, int64_t limit_ns) {
  return ReadFully(context, ReadEnd(fd()), buffer, limit_ns);
}

int64_t PipeWriter::Write(TaskContext& context, std::string_view bytes, int64_t limit_ns) {
  return WriteFully(context, {.fd = fd(), .kind = sys::IoKind::kStreamWrite}, bytes, limit_ns);
}

int PipeEnds::Open(UsedBy used_by) {
  std::array<int, 2> ends = {-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return -errno;
  reader.fd_.Reset(ends[0]);
  writer.fd_.Reset(ends[1]);
  int error = 0;
  if (used_by != UsedBy::kProcessReads) error = MakeNonBlocking(ends[0]);
  if (error == 0 && used_by != UsedBy::kProcessWrites) error = MakeNonBlocking(ends[1]);
  return error;
}

}  // namespace weft
