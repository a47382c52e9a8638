#include "handlers/builtin/builtin.h"

namespace weft {
namespace {

class EchoHandler final : public Handler {
 public:
  std::string_view name() const override { return "echo"; }
  std::string_view help() const override { return "answers with its payload, any bytes"; }
  bool never_suspends() const override { return true; }

  TaskOutcome Run(TaskContext& context) override {
    context.OutputIsPayload(context.payload());
    return TaskOutcome::kSucceeded;
  }
};

}  // namespace

std::unique_ptr<Handler> MakeEchoHandler() { return std::make_unique<EchoHandler>(); }

}  // namespace weft
