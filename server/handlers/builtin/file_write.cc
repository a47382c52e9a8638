#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "handlers/builtin/builtin.h"
#include "handlers/builtin/file_task.h"

namespace weft {
namespace {

// Written by one operation; other tasks run before the next.
constexpr size_t kChunkBytes = 64 * 1024;
constexpr uint32_t kNewFileMode = 0666;  // Less what the daemon's umask takes.

// A file with a name of its own beside the one to be replaced; gone unless it was moved there.
class TemporaryFile {
 public:
  TemporaryFile(TaskIo& io, int directory, std::string name, uint32_t mode)
      : io_(io),
        directory_(directory),
        name_(std::move(name)),
        file_(io, io.Open(directory, name_.c_str(), O_WRONLY | O_CREAT | O_EXCL, mode)) {}
  ~TemporaryFile() {
    if (file_.valid() && !moved_) io_.Unlink(directory_, name_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  int fd() const { return file_.get(); }
  int MoveTo(const std::string& name) {
    const int error = io_.Rename(directory_, name_.c_str(), name.c_str());
    moved_ = error == 0;
    return error;
  }

 private:
  TaskIo& io_;
  const int directory_;
  const std::string name_;
  const TaskFile file_;
  bool moved_ = false;
};

class FileWriteHandler final : public Handler {
 public:
  explicit FileWriteHandler(const FileAccess& access) : access_(access) {}

  std::string_view name() const override { return "file.write"; }
  std::string_view help() const override {
    return "replaces the file at the path in the payload's first line, beneath handlers.file_root, "
           "by the rest of the payload, all or nothing; the output is the number of bytes";
  }
  bool never_suspends() const override { return false; }

  TaskOutcome Run(TaskContext& context) override {
    const std::string_view payload = context.payload();
    const size_t line_end = payload.find('\n');
    FileTask task(context, access_, payload.substr(0, line_end));
    if (!task.Check()) return task.outcome();
    if (line_end == std::string_view::npos) {
      return context.Fail(TaskErrorCode::kInvalidPayload,
                          "the payload has no line end; expected the path, a line end and the "
                          "bytes to write");
    }
    const size_t name_at = task.path().rfind('/') + 1;  // 0 when there is no slash.
    const std::string folder = name_at == 0 ? "." : task.path().substr(0, name_at);
    const TaskFile directory(
        task.io(), task.io().Open(access_.root_fd, folder.c_str(), O_RDONLY | O_DIRECTORY));
    if (!directory.valid()) return task.Failed(directory.get(), "reached");
    return Replace(context, task, directory.get(), task.path().substr(name_at),
                   payload.substr(line_end + 1));
  }

 private:
  TaskOutcome Replace(TaskContext& context, FileTask& task, int directory, const std::string& name,
                      std::string_view bytes) {
    const bool exists = task.Find(directory, name);
    if (!exists && !task.is_missing()) return task.outcome();
    const uint32_t mode = exists ? task.about().stx_mode & 0777U : kNewFileMode;
    TemporaryFile file(task.io(), directory, TemporaryName(), mode);
    if (file.fd() < 0) return task.Failed(file.fd(), "written");
    if (exists && !Resemble(file.fd(), task.about())) return task.Failed(-errno, "written");
    if (const int64_t error = Fill(task.io(), file.fd(), bytes); error < 0) {
      return task.Failed(error, "written");
    }
    // From here on it is all or nothing, so nothing is cut short.
    if (context.ShouldStop()) return context.Stop();
    if (const int error = file.MoveTo(name); error < 0) return task.Failed(error, "replaced");
    if (const int error = task.io().Fsync(directory, TaskIo::Stop::kToTheEnd); error < 0) {
      return context.Fail(
          absl::StrCat(task.Quoted(), " was replaced, but may not stay so after a ",
                       "power cut: syncing its directory failed: ", strerrordesc_np(-error)));
    }
    context.output() = absl::StrCat(bytes.size());
    return TaskOutcome::kSucceeded;
  }

  // Gives the new file owner, as far as the daemon may, and permissions of the old one: the umask
  // takes from those that a file is made with. System calls that do not wait for the disk.
  static bool Resemble(int fd, const struct statx& old) {
    static_cast<void>(::fchown(fd, old.stx_uid, static_cast<gid_t>(-1)) == 0);
    static_cast<void>(::fchown(fd, static_cast<uid_t>(-1), old.stx_gid) == 0);
    return ::fchmod(fd, old.stx_mode & 0777U) == 0;
  }

  static int64_t Fill(TaskIo& io, int fd, std::string_view bytes) {
    for (size_t offset = 0; offset < bytes.size(); offset += kChunkBytes) {
      const int64_t error = io.Write(fd, bytes.substr(offset, kChunkBytes), offset);
      if (error < 0) return error;
    }
    return io.Fsync(fd);
  }

  // Told apart from those of other daemons, and of this one before it was restarted, by chance.
  std::string TemporaryName() {
    return absl::StrCat(".weft-", absl::Hex(seed_), "-",
                        serial_.fetch_add(1, std::memory_order_relaxed), ".tmp");
  }

  const FileAccess access_;
  const uint64_t seed_ = (uint64_t{std::random_device{}()} << 32) | std::random_device{}();
  std::atomic<uint64_t> serial_{0};
};

}  // namespace

std::unique_ptr<Handler> MakeFileWriteHandler(const FileAccess& access) {
  return std::make_unique<FileWriteHandler>(access);
}

}  // namespace weft
