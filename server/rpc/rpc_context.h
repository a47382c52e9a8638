#pragma once

#include "dispatch/dispatcher.h"
#include "rpc/completion_source.h"
#include "rpc/options.h"
#include "sys/prod_env.h"

namespace weft {

using ProdDispatcher = Dispatcher<sys::ProdEnv>;

// What every call needs; outlives them all.
struct RpcContext {
  const RpcOptions& options;
  ProdDispatcher& dispatcher;
  CompletionSource& source;
};

}  // namespace weft
