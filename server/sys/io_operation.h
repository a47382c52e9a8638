#pragma once

#include <linux/openat2.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weft::sys {

enum class IoKind : uint8_t {
  kOpen,
  kStat,
  kReadAhead,  // A hint: the part of the file is brought into the system's cache. Always 0.
  kDrop,       // A hint: the part of the file leaves that cache. Always 0.
  kRead,
  kWrite,
  kFsync,
  kRename,
  kUnlink,
  kClose,
  kNop,  // Touches nothing: what a round trip through the ring costs. Always 0.
  // These wait for others, see WaitsForOthers.
  kConnect,
  kAccept,   // The new socket, which is non-blocking and closed by an exec.
  kReceive,  // From a socket; 0 at the end of a stream.
  kSend,     // To a socket; never raises SIGPIPE.
  kReceiveMessage,
  kSendMessage,  // Never raises SIGPIPE.
  kStreamRead,   // From a pipe; 0 at its end.
  kStreamWrite,  // To a pipe; raises SIGPIPE unless the process ignores it.
  kPoll,         // Until one of `events` holds; which do.
  // These are done by threads.
  kSpawn,    // Starts a process.
  kResolve,  // Looks a name up.
};
inline constexpr size_t kIoKindCount = 22;
// What may be left undone, so that whoever does it may take its time.
constexpr bool IsHint(IoKind kind) { return kind == IoKind::kReadAhead || kind == IoKind::kDrop; }
// What a peer, another task or a process ends, and nobody else. It takes no thread, and its
// descriptor is non-blocking.
constexpr bool WaitsForOthers(IoKind kind) {
  return kind >= IoKind::kConnect && kind <= IoKind::kPoll;
}
// What may last for ever, or for as long as a name server likes, and so takes no entry of a ring.
constexpr bool TakesNoEntry(IoKind kind) {
  return WaitsForOthers(kind) || kind == IoKind::kResolve;
}
// What no kernel does by itself: threads do it on either ring.
constexpr bool NeedsThread(IoKind kind) {
  return IsHint(kind) || kind == IoKind::kSpawn || kind == IoKind::kResolve;
}
// "open", "stat", ...: the metric's label.
std::string_view IoKindName(IoKind kind);

struct NameLookup;
struct SpawnRequest;

// One operation, from the call to its completion. Made by who asks, and must stay where it is,
// with all it points to, until a ring has given it back: the kernel reads and writes it meanwhile.
// One thread at a time: a ring takes it over with Start and gives it back with Take.
struct IoOperation {
  IoKind kind = IoKind::kClose;
  bool runs_to_end = false;   // Never cancelled: what cleans up, or must not be left half done.
  bool was_missing = false;   // kReadAhead sets it: nothing of it was in the cache, as told.
  bool has_begun = false;     // kConnect sets it: only its end is awaited.
  bool ignores_stop = false;  // Of a shielded task: only its own limit cuts it short.
  bool is_late = false;       // Whoever cancels it because of time_limit_ns sets it.

  // What is asked; each kind reads its own. What no kind reads together lies in one place: an
  // operation is made anew for each call, on the task's stack.
  int fd = -1;  // A directory for kOpen, kRename and kUnlink.
  union {
    const char* path = nullptr;  // kOpen, kRename, kUnlink.
    const sockaddr* address;     // kConnect.
    msghdr* message;             // kReceiveMessage, kSendMessage.
    NameLookup* lookup;          // kResolve.
    SpawnRequest* spawn;         // kSpawn.
  };
  union {
    char* data = nullptr;  // What is read goes there; what is written is not changed.
    const char* new_path;  // kRename: its name in the same directory.
    struct statx* about;   // kStat.
  };
  uint32_t bytes = 0;  // Most to move; less may be moved. kConnect: of the address.
  union {
    open_how how = {};  // kOpen.
    uint64_t offset;    // kReadAhead, kDrop, kRead, kWrite.
    uint32_t events;    // kPoll: of poll(2), such as POLLIN.
  };
  // From when it is asked for on; 0: none. Kept by whoever runs the task, not by a ring: the
  // operation is then cut short and answers -ETIME. Not for one that runs_to_end.
  int64_t time_limit_ns = 0;

  int64_t result = 0;  // What the system call returns, or -errno.

  // Whoever has the operation uses these.
  void* owner = nullptr;
  IoOperation* next = nullptr;
  IoOperation* previous = nullptr;
  void* ring = nullptr;
  uint8_t priority = 0;     // A level below kIoLevelCount, the highest first.
  uint8_t awaited = 0;      // Answers still to come from the kernel.
  bool is_waiting = false;  // In a list of the ring's; in the pool's queue: under its mutex.
  bool in_queue = false;    // Waits for a free entry of the ring.
  bool cancel_asked = false;
};

// Of file operations, in the order of the tasks' levels.
inline constexpr size_t kIoLevelCount = 3;
// A level as the kernel knows it: best effort, the first, the middle and the last of its eight.
// What it is worth is up to the disk's scheduler (bfq, mq-deadline). The numbers are those of
// ioprio_set(2); <linux/ioprio.h> of Linux 6.1.192 is no C++ (a parameter is named class).
uint16_t KernelIoPriority(uint8_t level);
// The calling thread's own operations have that level from now on. Best effort: a seccomp filter
// may not know the call.
void TakeIoPriority(uint8_t level);

// Asked now and then by a thread that waits: whether to give up. Nobody to ask: no.
struct StopQuestion {
  bool (*ask)(void* argument) = nullptr;
  void* argument = nullptr;
};

// Does the operation on the calling thread, which may block, and returns its result. Only what
// waits for others asks to stop, every kStopLookNs, and then is -ECANCELED; -ETIME beyond its
// limit.
inline constexpr int64_t kStopLookNs = 20'000'000;
int64_t RunIoOperation(IoOperation& operation, const StopQuestion& stop = {});

// What kStat asks for.
inline constexpr unsigned kStatMask =
    STATX_TYPE | STATX_MODE | STATX_SIZE | STATX_INO | STATX_UID | STATX_GID;

// First in, first out, linked through the operations themselves.
class IoList {
 public:
  bool empty() const { return head_ == nullptr; }
  // The next ones by their own `next`; null when empty.
  const IoOperation* front() const { return head_; }
  void Append(IoOperation* operation) {
    operation->next = nullptr;
    operation->previous = tail_;
    (tail_ != nullptr ? tail_->next : head_) = operation;
    tail_ = operation;
  }
  void Remove(IoOperation* operation) {
    (operation->previous != nullptr ? operation->previous->next : head_) = operation->next;
    (operation->next != nullptr ? operation->next->previous : tail_) = operation->previous;
  }
  // Null when empty.
  IoOperation* Pop() {
    IoOperation* const operation = head_;
    if (operation != nullptr) Remove(operation);
    return operation;
  }

 private:
  IoOperation* head_ = nullptr;
  IoOperation* tail_ = nullptr;
};

}  // namespace weft::sys
