#include "sys/ring_entry.h"

#include <fcntl.h>
#include <sys/socket.h>

namespace weft::sys {

int OpcodeOf(IoKind kind) {
  switch (kind) {
    case IoKind::kOpen:
      return IORING_OP_OPENAT2;
    case IoKind::kStat:
      return IORING_OP_STATX;
    case IoKind::kReadAhead:
    case IoKind::kDrop:
    case IoKind::kSpawn:
    case IoKind::kResolve:
      break;
    case IoKind::kRead:
    case IoKind::kStreamRead:
      return IORING_OP_READ;
    case IoKind::kWrite:
    case IoKind::kStreamWrite:
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
    case IoKind::kConnect:
      return IORING_OP_CONNECT;
    case IoKind::kAccept:
      return IORING_OP_ACCEPT;
    case IoKind::kReceive:
      return IORING_OP_RECV;
    case IoKind::kSend:
      return IORING_OP_SEND;
    case IoKind::kReceiveMessage:
      return IORING_OP_RECVMSG;
    case IoKind::kSendMessage:
      return IORING_OP_SENDMSG;
    case IoKind::kPoll:
      return IORING_OP_POLL_ADD;
  }
  return IORING_OP_LAST;
}

namespace {

// The offset of what has none.
constexpr uint64_t kNoOffset = UINT64_MAX;

void PrepareAwaited(io_uring_sqe* entry, IoOperation* operation) {
  const int fd = operation->fd;
  switch (operation->kind) {
    case IoKind::kConnect:
      io_uring_prep_connect(entry, fd, operation->address, operation->bytes);
      break;
    case IoKind::kAccept:
      io_uring_prep_accept(entry, fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      break;
    case IoKind::kReceive:
      io_uring_prep_recv(entry, fd, operation->data, operation->bytes, 0);
      break;
    case IoKind::kSend:
      io_uring_prep_send(entry, fd, operation->data, operation->bytes, MSG_NOSIGNAL);
      break;
    case IoKind::kReceiveMessage:
      io_uring_prep_recvmsg(entry, fd, operation->message, 0);
      break;
    case IoKind::kSendMessage:
      io_uring_prep_sendmsg(entry, fd, operation->message, MSG_NOSIGNAL);
      break;
    case IoKind::kStreamRead:
      io_uring_prep_read(entry, fd, operation->data, operation->bytes, kNoOffset);
      break;
    case IoKind::kStreamWrite:
      io_uring_prep_write(entry, fd, operation->data, operation->bytes, kNoOffset);
      break;
    default:
      io_uring_prep_poll_add(entry, fd, operation->events);
      break;
  }
}

void PrepareFile(io_uring_sqe* entry, IoOperation* operation) {
  switch (operation->kind) {
    case IoKind::kOpen:
      io_uring_prep_openat2(entry, operation->fd, operation->path, &operation->how);
      break;
    case IoKind::kStat:
      io_uring_prep_statx(entry, operation->fd, "", AT_EMPTY_PATH, kStatMask, operation->about);
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
    default:
      io_uring_prep_nop(entry);
      break;
  }
}

}  // namespace

void PrepareEntry(io_uring_sqe* entry, IoOperation* operation) {
  if (WaitsForOthers(operation->kind)) {
    PrepareAwaited(entry, operation);
  } else {
    PrepareFile(entry, operation);
  }
  io_uring_sqe_set_data(entry, operation);
}

}  // namespace weft::sys
