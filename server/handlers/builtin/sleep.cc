#include <cstdint>

#include "absl/status/statusor.h"
#include "handlers/builtin/builtin.h"
#include "handlers/payload_text.h"

namespace weft {
namespace {

class SleepHandler final : public Handler {
 public:
  std::string_view name() const override { return "sleep"; }
  std::string_view help() const override {
    return "suspends for the payload's duration, as in 10ms; the output is empty";
  }
  bool never_suspends() const override { return false; }

  TaskOutcome Run(TaskContext& context) override {
    const absl::StatusOr<int64_t> duration_ns = ParseDurationNs(context.payload());
    if (!duration_ns.ok()) {
      const absl::string_view message = duration_ns.status().message();
      return context.Fail(TaskErrorCode::kInvalidPayload, {message.data(), message.size()});
    }
    if (context.SleepFor(*duration_ns) != WakeReason::kElapsed) return context.Stop();
    return TaskOutcome::kSucceeded;
  }
};

}  // namespace

std::unique_ptr<Handler> MakeSleepHandler() { return std::make_unique<SleepHandler>(); }

}  // namespace weft
