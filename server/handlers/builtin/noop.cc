#include "handlers/builtin/builtin.h"

namespace weft {
namespace {

class NoopHandler final : public Handler {
 public:
  std::string_view name() const override { return "noop"; }
  std::string_view help() const override {
    return "does nothing; the payload is ignored, the output is empty";
  }
  bool never_suspends() const override { return true; }

  TaskOutcome Run(TaskContext&) override { return TaskOutcome::kSucceeded; }
};

}  // namespace

std::unique_ptr<Handler> MakeNoopHandler() { return std::make_unique<NoopHandler>(); }

}  // namespace weft
