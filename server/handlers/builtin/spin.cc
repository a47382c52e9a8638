#include <cstdint>

#include "absl/status/statusor.h"
#include "handlers/builtin/builtin.h"
#include "handlers/payload_text.h"

namespace weft {
namespace {

class SpinHandler final : public Handler {
 public:
  std::string_view name() const override { return "spin"; }
  std::string_view help() const override {
    return "keeps its core busy for the payload's duration, as in 10us; the output is empty";
  }
  bool never_suspends() const override { return true; }

  TaskOutcome Run(TaskContext& context) override {
    const int64_t start_ns = context.NowNs();
    const absl::StatusOr<int64_t> duration_ns = ParseDurationNs(context.payload());
    if (!duration_ns.ok()) {
      const absl::string_view message = duration_ns.status().message();
      return context.Fail(TaskErrorCode::kInvalidPayload, {message.data(), message.size()});
    }
    // A check and two readings of the clock are far below 2 us, so each round can afford all.
    while (context.NowNs() - start_ns < *duration_ns) {
      if (context.ShouldStop()) return context.Stop();
    }
    return TaskOutcome::kSucceeded;
  }
};

}  // namespace

std::unique_ptr<Handler> MakeSpinHandler() { return std::make_unique<SpinHandler>(); }

}  // namespace weft
