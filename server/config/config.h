#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/options.h"
#include "dispatch/options.h"
#include "handlers/options.h"
#include "rpc/options.h"
#include "sys/options.h"
#include "web/options.h"

namespace weft {

enum class LogLevel : uint8_t { kTrace, kDebug, kInfo, kWarn, kError };
enum class LogFormat : uint8_t { kText, kJson };

// Which thread the Door runs in; auto: the core's where the two have one CPU.
enum class DoorThread : uint8_t { kAuto, kOwn, kCore };

// Everything an operator can set, as the rows of rows.cc fill it; the key of each field is named
// there. Plain data: made by LoadConfig, then only read.
struct Config {
  struct Cores {
    std::optional<std::vector<CpuName>> cpus;  // executor.cores; nullopt is "auto".
    int worker_threads = 0;                    // 0: as many as there are cores.
    DoorThread door = DoorThread::kAuto;       // executor.door
  };
  struct Daemon {
    int64_t drain_limit_ns = 10'000'000'000;
    LogLevel log_level = LogLevel::kInfo;
    LogFormat log_format = LogFormat::kText;
    bool insecure = false;
  };

  Cores cores;
  CoreOptions core;  // Of every core; index, cpu and handler_count are not configured.
  BlockingOptions blocking;
  DispatchOptions dispatch;
  HandlerOptions handlers;
  IoOptions io;
  RpcOptions rpc;  // rpc.unix_socket still as it was written, "auto" included.
  WebOptions web;
  Daemon daemon;
};

}  // namespace weft
