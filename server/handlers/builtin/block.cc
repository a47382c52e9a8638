#include <cstdint>

#include "absl/status/statusor.h"
#include "handlers/builtin/builtin.h"
#include "handlers/payload_text.h"

namespace weft {
namespace {

class BlockHandler final : public Handler {
 public:
  std::string_view name() const override { return "block"; }
  std::string_view help() const override {
    return "blocks a thread of the blocking pool for the payload's duration, as in 10ms; to try it";
  }
  bool never_suspends() const override { return false; }
  bool blocking() const override { return true; }

  TaskOutcome Run(TaskContext& context) override {
    const absl::StatusOr<int64_t> duration_ns = ParseDurationNs(context.payload());
    if (!duration_ns.ok()) {
      const absl::string_view message = duration_ns.status().message();
      return context.Fail(TaskErrorCode::kInvalidPayload, {message.data(), message.size()});
    }
    // On a core this would suspend the task; the thread really sleeps.
    if (context.SleepFor(*duration_ns) != WakeReason::kElapsed) return context.Stop();
    return TaskOutcome::kSucceeded;
  }
};

}  // namespace

std::unique_ptr<Handler> MakeBlockHandler() { return std::make_unique<BlockHandler>(); }

}  // namespace weft
