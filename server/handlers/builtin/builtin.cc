#include "handlers/builtin/builtin.h"

namespace weft {
namespace {

constexpr std::unique_ptr<Handler> (*kMakers[])() = {
    &MakeNoopHandler,   &MakeEchoHandler,   &MakeSpinHandler, &MakeSleepHandler,
    &MakeSha256Handler, &MakeCrc32cHandler, &MakeFailHandler,
};

}  // namespace

absl::Status RegisterBuiltinHandlers(HandlerRegistry& registry) {
  for (const auto make : kMakers) {
    absl::Status status = registry.Register(make());
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace weft
