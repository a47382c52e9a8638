#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "executor/task_context.h"
#include "executor/task_io.h"
#include "handlers/builtin/file_permits.h"
#include "sys/fd.h"

namespace weft {

// What the file handlers may touch. Made once at start; outlives the handlers.
struct FileAccess {
  int root_fd = -1;                // handlers.file_root; -1: it is not set.
  size_t max_output_bytes = 0;     // limits.max_payload_bytes.
  FilePermits* permits = nullptr;  // Outlives the handlers; null: as many as like.
};

// Opens the directory of handlers.file_root. INVALID_ARGUMENT names the key, the path and why.
absl::StatusOr<sys::Fd> OpenFileRoot(const std::string& path);

// A path as payloads may give it: UTF-8, relative, 1 to 4095 bytes, no NUL, and no "..", "." or
// empty part. INVALID_ARGUMENT says what is wrong with it.
absl::Status CheckRelativePath(std::string_view path);

// What was found where a regular file was expected: "a directory", "a fifo".
std::string_view FileTypeName(uint16_t mode);

// The common part of the tasks that work on a file beneath the root. Each step says whether to go
// on; when not, return outcome(). Lives on the task's stack.
class FileTask {
 public:
  // path: as the payload gives it.
  FileTask(TaskContext& context, const FileAccess& access, std::string_view path)
      : context_(context),
        access_(access),
        permit_(context, access.permits),
        io_(context),
        path_(path) {}
  FileTask(const FileTask&) = delete;
  FileTask& operator=(const FileTask&) = delete;

  // Whether there is a root, and the path is one. Then waits for a permit, first of all: declare
  // the task before the files it opens.
  bool Check();
  // Whether what lies at name in the directory is a regular file, without opening it for real: that
  // could set off a device or wait for the other end of a fifo. Leaves what was found in about().
  bool Find(int directory, const std::string& name);
  // Whether fd, what was opened after Find with kRealOpenFlags, is a regular file, too. It then
  // reads as one opened without them.
  bool Confirm(int fd);

  // Ends the task because a call answered with -errno: Stop() for -ECANCELED, else a message.
  // did: "opened", "read".
  TaskOutcome Failed(int64_t error, std::string_view did);

  TaskIo& io() { return io_; }
  const std::string& path() const { return path_; }
  // The path as it is put into messages.
  std::string Quoted() const;
  const struct statx& about() const { return about_; }
  // Whether Find found nothing at all.
  bool is_missing() const { return is_missing_; }
  TaskOutcome outcome() const { return outcome_; }

 private:
  bool Refuse(TaskOutcome outcome) {
    outcome_ = outcome;
    return false;
  }
  bool IsRegular();

  TaskContext& context_;
  const FileAccess& access_;
  FilePermitHold permit_;
  TaskIo io_;
  const std::string path_;
  struct statx about_ = {};
  bool is_missing_ = false;
  TaskOutcome outcome_ = TaskOutcome::kFailed;
};

// Reads a file from its start on, in order, each piece brought into the system's cache before it is
// read, by others than the core: else the core would do so itself when the file is not cached,
// megabytes at a time, and let all its other tasks wait. What it has brought of a very large file
// leaves the cache once it is read: it would displace what others use, and memory that is used
// again at once costs less than ever more of it. Lives on the task's stack.
class SequentialReader {
 public:
  // fd: open for reading; stays the caller's. size: of the file, as far as known.
  SequentialReader(TaskIo& io, int fd, uint64_t size) : io_(io), fd_(fd), size_(size) {}

  // As TaskIo::Read, from where the last one ended.
  int64_t Read(std::span<char> buffer);

 private:
  int Bring();
  int DropRead();

  TaskIo& io_;
  const int fd_;
  const uint64_t size_;
  uint64_t offset_ = 0;
  uint64_t brought_ = 0;  // Asked for up to here.
  // The piece read last, if it is to leave the cache; of no bytes: it is not.
  uint64_t passing_offset_ = 0;
  uint32_t passing_bytes_ = 0;
};

// The flags of every open that is for reading or writing: what was swapped for a fifo or a terminal
// since Find neither blocks nor becomes ours.
inline constexpr uint64_t kRealOpenFlags = O_NONBLOCK | O_NOCTTY;

}  // namespace weft
