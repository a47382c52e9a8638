#pragma once

#include <memory>

#include "absl/status/status.h"
#include "handlers/handler.h"
#include "handlers/registry.h"

namespace weft {

// One maker for each handler that is built in; the file of the same name holds it.
std::unique_ptr<Handler> MakeNoopHandler();
std::unique_ptr<Handler> MakeEchoHandler();
std::unique_ptr<Handler> MakeSpinHandler();
std::unique_ptr<Handler> MakeSleepHandler();
std::unique_ptr<Handler> MakeSha256Handler();
std::unique_ptr<Handler> MakeCrc32cHandler();
std::unique_ptr<Handler> MakeFailHandler();

// Registers all of the above. Before Start only. Fails as HandlerRegistry::Register does.
absl::Status RegisterBuiltinHandlers(HandlerRegistry& registry);

}  // namespace weft
