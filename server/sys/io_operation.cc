#include "sys/io_operation.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "sys/awaited_call.h"
#include "sys/name_resolver.h"
#include "sys/page_cache.h"
#include "sys/spawn.h"

namespace weft::sys {
namespace {

// What does not wait for others.
int64_t Call(const IoOperation& operation) {
  switch (operation.kind) {
    case IoKind::kOpen:
      return ::syscall(SYS_openat2, operation.fd, operation.path, &operation.how,
                       sizeof(operation.how));
    case IoKind::kStat:
      return ::statx(operation.fd, "", AT_EMPTY_PATH, kStatMask, operation.about);
    case IoKind::kReadAhead:
      // The system's own guesses would be made by whoever reads. What cannot be brought is met by
      // the read.
      ::posix_fadvise(operation.fd, 0, 0, POSIX_FADV_RANDOM);
      ::posix_fadvise(operation.fd, static_cast<off_t>(operation.offset), operation.bytes,
                      POSIX_FADV_WILLNEED);
      return 0;
    case IoKind::kDrop: {
      // Where nothing is told to be there just after a read, it may have been there before, too.
      using Part = PageCache::Part;
      const Part part = PageCache().Holds(operation.fd, operation.offset, operation.bytes);
      if (part == Part::kNothing || part == Part::kUnknown) return 0;
      ::posix_fadvise(operation.fd, static_cast<off_t>(operation.offset), operation.bytes,
                      POSIX_FADV_DONTNEED);
      return 0;
    }
    case IoKind::kRead:
      return ::pread(operation.fd, operation.data, operation.bytes,
                     static_cast<off_t>(operation.offset));
    case IoKind::kWrite:
      return ::pwrite(operation.fd, operation.data, operation.bytes,
                      static_cast<off_t>(operation.offset));
    case IoKind::kFsync:
      return ::fsync(operation.fd);
    case IoKind::kRename:
      return ::renameat(operation.fd, operation.path, operation.fd, operation.new_path);
    case IoKind::kUnlink:
      return ::unlinkat(operation.fd, operation.path, 0);
    case IoKind::kClose:
      return ::close(operation.fd);
    case IoKind::kNop:
      return 0;
    default:
      errno = EINVAL;
      return -1;
  }
}

}  // namespace

std::string_view IoKindName(IoKind kind) {
  switch (kind) {
    case IoKind::kOpen:
      return "open";
    case IoKind::kStat:
      return "stat";
    case IoKind::kReadAhead:
      return "read_ahead";
    case IoKind::kDrop:
      return "drop";
    case IoKind::kRead:
      return "read";
    case IoKind::kWrite:
      return "write";
    case IoKind::kFsync:
      return "fsync";
    case IoKind::kRename:
      return "rename";
    case IoKind::kUnlink:
      return "unlink";
    case IoKind::kClose:
      return "close";
    case IoKind::kNop:
      return "nop";
    case IoKind::kConnect:
      return "connect";
    case IoKind::kAccept:
      return "accept";
    case IoKind::kReceive:
      return "receive";
    case IoKind::kSend:
      return "send";
    case IoKind::kReceiveMessage:
      return "receive_message";
    case IoKind::kSendMessage:
      return "send_message";
    case IoKind::kStreamRead:
      return "stream_read";
    case IoKind::kStreamWrite:
      return "stream_write";
    case IoKind::kPoll:
      return "poll";
    case IoKind::kSpawn:
      return "spawn";
    case IoKind::kResolve:
      return "resolve";
  }
  return "";
}

uint16_t KernelIoPriority(uint8_t level) {
  constexpr uint16_t kBestEffort = 2 << 13;
  constexpr uint16_t kLevels[kIoLevelCount] = {0, 4, 7};
  return kBestEffort | kLevels[level];
}

void TakeIoPriority(uint8_t level) {
  constexpr int kWhoProcess = 1;
  ::syscall(SYS_ioprio_set, kWhoProcess, 0, KernelIoPriority(level));
}

int64_t RunIoOperation(IoOperation& operation, const StopQuestion& stop) {
  if (WaitsForOthers(operation.kind)) return AwaitOnThread(operation, stop);
  if (operation.kind == IoKind::kSpawn) return SpawnProcess(operation.spawn);
  if (operation.kind == IoKind::kResolve) return LookUpName(operation.lookup);
  for (;;) {
    const int64_t result = Call(operation);
    if (result >= 0) return result;
    // A close that was interrupted has closed: the number may be somebody else's by now.
    if (errno != EINTR || operation.kind == IoKind::kClose) return -int64_t{errno};
  }
}

}  // namespace weft::sys
