#include <fcntl.h>

#include <algorithm>
#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "handlers/builtin/builtin.h"
#include "handlers/builtin/file_task.h"

namespace weft {
namespace {

// Brought by one operation. The system copies it on the core's own thread when it is cached, some
// ten microseconds, and other tasks run before the next.
constexpr size_t kChunkBytes = 64 * 1024;

class FileReadHandler final : public Handler {
 public:
  explicit FileReadHandler(const FileAccess& access) : access_(access) {}

  std::string_view name() const override { return "file.read"; }
  std::string_view help() const override {
    return "what is in the file at the payload's path beneath handlers.file_root, as far as it "
           "goes when it is read";
  }
  bool never_suspends() const override { return false; }

  TaskOutcome Run(TaskContext& context) override {
    FileTask task(context, access_, context.payload());
    if (!task.Check() || !task.Find(access_.root_fd, task.path())) return task.outcome();
    const TaskFile file(
        task.io(), task.io().Open(access_.root_fd, task.path().c_str(), O_RDONLY | kRealOpenFlags));
    if (!file.valid()) return task.Failed(file.get(), "opened");
    if (!task.Confirm(file.get())) return task.outcome();
    if (task.about().stx_size > access_.max_output_bytes) {
      return TooLarge(context, task, absl::StrCat(task.about().stx_size));
    }
    return Read(context, task, file.get());
  }

 private:
  // To the end that the file has when it is reached, wherever it was before.
  TaskOutcome Read(TaskContext& context, FileTask& task, int fd) {
    std::string& output = context.output();
    output.reserve(task.about().stx_size + 1);
    SequentialReader reader(task.io(), fd, task.about().stx_size);
    for (;;) {
      const size_t had = output.size();
      const size_t wanted = std::min(kChunkBytes, access_.max_output_bytes + 1 - had);
      output.resize(had + wanted);
      const int64_t got = reader.Read({output.data() + had, wanted});
      if (got < 0) return task.Failed(got, "read");
      output.resize(had + static_cast<size_t>(got));
      if (output.size() > access_.max_output_bytes) {
        return TooLarge(context, task, absl::StrCat("grown beyond ", access_.max_output_bytes));
      }
      if (static_cast<size_t>(got) < wanted) return TaskOutcome::kSucceeded;
    }
  }

  TaskOutcome TooLarge(TaskContext& context, const FileTask& task, const std::string& size) {
    return context.Fail(TaskErrorCode::kOutputTooLarge,
                        absl::StrCat(task.Quoted(), " has ", size, " bytes; an output holds ",
                                     access_.max_output_bytes, " (limits.max_payload_bytes)"));
  }

  const FileAccess access_;
};

}  // namespace

std::unique_ptr<Handler> MakeFileReadHandler(const FileAccess& access) {
  return std::make_unique<FileReadHandler>(access);
}

}  // namespace weft
