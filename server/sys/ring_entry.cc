#include "sys/ring_entry.h"

#include <fcntl.h>

namespace weft::sys {

int OpcodeOf(IoKind kind) {
  switch (kind) {
    case IoKind::kOpen:
      return IORING_OP_OPENAT2;
    case IoKind::kStat:
      return IORING_OP_STATX;
    case IoKind::kReadAhead:
    case IoKind::kDrop:
      break;
    case IoKind::kRead:
      return IORING_OP_READ;
    case IoKind::kWrite:
      return IORING_OP_WRITE;
    case IoKind::kFsync:
      return IORING_OP_FSYNC;
    case IoKind::kRename:
      return IORING_OP_RENAMEAT;
    case IoKind::kUnlink:
      return IORING_OP_UNLINKAT;
    case IoKind::kClose:
      return IORING_OP_CLOSE;
    case IoKind::kNop:
      return IORING_OP_NOP;
  }
  return IORING_OP_LAST;
}

void PrepareEntry(io_uring_sqe* entry, IoOperation* operation) {
  switch (operation->kind) {
    case IoKind::kOpen:
      io_uring_prep_openat2(entry, operation->fd, operation->path, &operation->how);
      break;
    case IoKind::kStat:
      io_uring_prep_statx(entry, operation->fd, "", AT_EMPTY_PATH, kStatMask, operation->about);
      break;
    case IoKind::kReadAhead:
    case IoKind::kDrop:
      break;
    case IoKind::kRead:
      io_uring_prep_read(entry, operation->fd, operation->data, operation->bytes,
                         operation->offset);
      entry->ioprio = KernelIoPriority(operation->priority);
      break;
    case IoKind::kWrite:
      io_uring_prep_write(entry, operation->fd, operation->data, operation->bytes,
                          operation->offset);
      entry->ioprio = KernelIoPriority(operation->priority);
      break;
    case IoKind::kFsync:
      io_uring_prep_fsync(entry, operation->fd, 0);
      break;
    case IoKind::kRename:
      io_uring_prep_renameat(entry, operation->fd, operation->path, operation->fd,
                             operation->new_path, 0);
      break;
    case IoKind::kUnlink:
      io_uring_prep_unlinkat(entry, operation->fd, operation->path, 0);
      break;
    case IoKind::kClose:
      io_uring_prep_close(entry, operation->fd);
      break;
    case IoKind::kNop:
      io_uring_prep_nop(entry);
      break;
  }
  io_uring_sqe_set_data(entry, operation);
}

}  // namespace weft::sys
