#include "handlers/builtin/builtin.h"

namespace weft {
namespace {

constexpr std::unique_ptr<Handler> (*kMakers[])() = {
    &MakeNoopHandler,  &MakeEchoHandler,   &MakeSpinHandler,   &MakeSleepHandler,
    &MakeBlockHandler, &MakeSha256Handler, &MakeCrc32cHandler, &MakeFailHandler,
};
constexpr std::unique_ptr<Handler> (*kFileMakers[])(const FileAccess&) = {
    &MakeFileReadHandler, &MakeFileHashHandler, &MakeFileWriteHandler};
constexpr std::unique_ptr<Handler> (*kNetMakers[])(const NetAccess&) = {&MakeTcpRequestHandler,
                                                                        &MakeHttpGetHandler};

}  // namespace

absl::Status RegisterBuiltinHandlers(HandlerRegistry& registry, const FileAccess& files,
                                     const NetAccess& net) {
  for (const auto make : kMakers) {
    absl::Status status = registry.Register(make());
    if (!status.ok()) return status;
  }
  for (const auto make : kFileMakers) {
    absl::Status status = registry.Register(make(files));
    if (!status.ok()) return status;
  }
  for (const auto make : kNetMakers) {
    absl::Status status = registry.Register(make(net));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace weft
