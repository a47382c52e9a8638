#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "executor/task_context.h"

namespace weft {

// File I/O for handlers that may suspend: each call suspends the task until it is done. Results are
// not negative, or -errno. -ECANCELED: the task was asked to stop, by a cancel or its deadline, and
// then returns Stop(). Rename, Unlink, Close, and what has kToTheEnd, are done all the same: what
// cleans up, or must not be left half done. Task's own thread only.
class TaskIo {
 public:
  enum class Stop : uint8_t {
    kObey,      // Not begun, or cut short, when the task is asked to stop.
    kToTheEnd,  // Done whatever is asked.
  };

  explicit TaskIo(TaskContext& context) : context_(context) {}

  // Opens what lies beneath a directory, following no symbolic link (openat2). mode: for O_CREAT.
  // O_CLOEXEC is always set. A descriptor that is never passed on; see TaskFile.
  int Open(int directory, const char* path, uint64_t flags, uint32_t mode = 0);
  // Type, permissions, owner, size and inode of what is open.
  int Stat(int fd, struct statx* about);
  // Has part of a file brought into the system's cache by others than this core, so that reading it
  // only copies. A hint: not negative whether it could be done or not, and 1 if nothing of it was
  // there, as the system tells, so that nobody but this task has had use for it.
  int ReadAhead(int fd, uint64_t offset, uint32_t bytes);
  // Has part of a file leave that cache, by others than this core. A hint, as above: 0. Nothing
  // leaves where the system does not tell what is there.
  int Drop(int fd, uint64_t offset, uint32_t bytes);
  // Fills the buffer unless the file ends before; how many bytes were read.
  int64_t Read(int fd, std::span<char> buffer, uint64_t offset);
  // Writes all of it; the number of bytes.
  int64_t Write(int fd, std::string_view bytes, uint64_t offset);
  int Fsync(int fd, Stop stop = Stop::kObey);
  // Both names are in the directory; replaces what is at `to`.
  int Rename(int directory, const char* from, const char* to);
  int Unlink(int directory, const char* path);
  int Close(int fd);

 private:
  TaskContext& context_;
};

// An open descriptor of a task, closed through its TaskIo on whatever path the handler leaves.
// Lives on the task's stack.
class TaskFile {
 public:
  // fd: what Open gave; a negative one is no file.
  TaskFile(TaskIo& io, int fd) : io_(io), fd_(fd) {}
  ~TaskFile() {
    if (fd_ >= 0) io_.Close(fd_);
  }
  TaskFile(const TaskFile&) = delete;
  TaskFile& operator=(const TaskFile&) = delete;

  bool valid() const { return fd_ >= 0; }
  // Negative: the -errno of the open.
  int get() const { return fd_; }

 private:
  TaskIo& io_;
  const int fd_;
};

}  // namespace weft
