#include <fcntl.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "handlers/builtin/builtin.h"
#include "handlers/builtin/file_task.h"
#include "handlers/builtin/sha256_digest.h"

namespace weft {
namespace {

// The one buffer of a task.
constexpr size_t kBufferBytes = 64 * 1024;
// Hashed before other tasks of the core get their turn.
constexpr size_t kSliceBytes = 4 * 1024;

class FileHashHandler final : public Handler {
 public:
  explicit FileHashHandler(const FileAccess& access) : access_(access) {}

  std::string_view name() const override { return "file.hash"; }
  std::string_view help() const override {
    return "SHA-256 of the file at the payload's path beneath handlers.file_root, of any size, as "
           "far as it goes when it is read";
  }
  bool never_suspends() const override { return false; }

  TaskOutcome Run(TaskContext& context) override {
    FileTask task(context, access_, context.payload());
    if (!task.Check() || !task.Find(access_.root_fd, task.path())) return task.outcome();
    const TaskFile file(
        task.io(), task.io().Open(access_.root_fd, task.path().c_str(), O_RDONLY | kRealOpenFlags));
    if (!file.valid()) return task.Failed(file.get(), "opened");
    if (!task.Confirm(file.get())) return task.outcome();
    return Hash(context, task, file.get());
  }

 private:
  TaskOutcome Hash(TaskContext& context, FileTask& task, int fd) {
    Sha256Digest digest(algorithm_);
    const std::unique_ptr<char[]> buffer(new char[kBufferBytes]);
    SequentialReader reader(task.io(), fd, task.about().stx_size);
    for (int64_t got = kBufferBytes; got == kBufferBytes;) {
      got = reader.Read({buffer.get(), kBufferBytes});
      if (got < 0) return task.Failed(got, "read");
      if (!Add(context, digest, {buffer.get(), static_cast<size_t>(got)})) return context.Stop();
    }
    std::string hex = digest.Hex();
    if (hex.empty()) return context.Fail("OpenSSL refused to compute SHA-256");
    context.output() = std::move(hex);
    return TaskOutcome::kSucceeded;
  }

  // False: the task was asked to stop.
  static bool Add(TaskContext& context, Sha256Digest& digest, std::string_view bytes) {
    while (!bytes.empty()) {
      if (context.ShouldStop() || context.Yield() != WakeReason::kElapsed) return false;
      digest.Add(bytes.substr(0, kSliceBytes));
      bytes.remove_prefix(std::min(bytes.size(), kSliceBytes));
    }
    return true;
  }

  const FileAccess access_;
  const Sha256Algorithm algorithm_{};
};

}  // namespace

std::unique_ptr<Handler> MakeFileHashHandler(const FileAccess& access) {
  return std::make_unique<FileHashHandler>(access);
}

}  // namespace weft
