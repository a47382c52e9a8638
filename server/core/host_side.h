#pragma once

#include "async/frame_home.h"
#include "core/mailbox.h"
#include "executor/task_host.h"

namespace weft {

// What a core is to the tasks it runs beside the Door's: see TaskHost.
struct HostSide {
  Mailbox mail;  // First, where Core has it beside what each turn touches.
  SpawnedEntries entries;
  OwnFrames frames;
};

}  // namespace weft
