#pragma once

#include <memory>

#include "absl/status/status.h"
#include "handlers/builtin/file_task.h"
#include "handlers/builtin/net_task.h"
#include "handlers/handler.h"
#include "handlers/registry.h"

namespace weft {

// One maker for each handler that is built in; the file of the same name holds it.
std::unique_ptr<Handler> MakeNoopHandler();
std::unique_ptr<Handler> MakeEchoHandler();
std::unique_ptr<Handler> MakeSpinHandler();
std::unique_ptr<Handler> MakeSleepHandler();
std::unique_ptr<Handler> MakeBlockHandler();
std::unique_ptr<Handler> MakeSha256Handler();
std::unique_ptr<Handler> MakeCrc32cHandler();
std::unique_ptr<Handler> MakeFailHandler();
std::unique_ptr<Handler> MakeFileReadHandler(const FileAccess& access);
std::unique_ptr<Handler> MakeFileHashHandler(const FileAccess& access);
std::unique_ptr<Handler> MakeFileWriteHandler(const FileAccess& access);
std::unique_ptr<Handler> MakeTcpRequestHandler(const NetAccess& access);
std::unique_ptr<Handler> MakeHttpGetHandler(const NetAccess& access);

// Registers all of the above. Before Start only. Fails as HandlerRegistry::Register does.
absl::Status RegisterBuiltinHandlers(HandlerRegistry& registry, const FileAccess& files = {},
                                     const NetAccess& net = {});

}  // namespace weft
