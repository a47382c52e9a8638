#include <stdexcept>
#include <string>

#include "handlers/builtin/builtin.h"
#include "handlers/payload_text.h"
#include "task/limits.h"

namespace weft {
namespace {

// Sleeps until it is stopped, in slices as long as a task may last.
TaskOutcome OutstayDeadline(TaskContext& context) {
  while (context.SleepFor(kMaxTimeoutNs) == WakeReason::kElapsed) {
  }
  return context.Stop();
}

class FailHandler final : public Handler {
 public:
  std::string_view name() const override { return "fail"; }
  std::string_view help() const override {
    return "fails as the payload chooses: \"error [MESSAGE]\" (also when empty), \"exception "
           "[MESSAGE]\", or \"deadline\": runs until it is stopped";
  }
  bool never_suspends() const override { return false; }

  TaskOutcome Run(TaskContext& context) override {
    const std::string_view payload = context.payload();
    const size_t space = payload.find(' ');
    const std::string_view choice = payload.substr(0, space);
    const std::string_view message =
        space == std::string_view::npos ? std::string_view() : payload.substr(space + 1);
    if (payload.empty() || choice == "error") {
      return context.Fail(message.empty() ? "failed as the payload asks" : message);
    }
    if (choice == "exception") {
      throw std::runtime_error(message.empty() ? "thrown as the payload asks"
                                               : std::string(message));
    }
    if (payload == "deadline") return OutstayDeadline(context);
    return context.Fail(
        TaskErrorCode::kInvalidPayload,
        QuoteForMessage(payload) +
            " is no way to fail: expected error [MESSAGE], exception [MESSAGE] or deadline");
  }
};

}  // namespace

std::unique_ptr<Handler> MakeFailHandler() { return std::make_unique<FailHandler>(); }

}  // namespace weft
