#pragma once

#include <cstdint>
#include <optional>

#include "sys/io_operation.h"

namespace weft::sys {

// One attempt at an operation that waits for others; its descriptor is non-blocking. Nothing: it
// has to wait until one of EventsOf holds. Any thread, as long as it has the operation.
std::optional<int64_t> TryAwaited(IoOperation& operation);

// For poll(2) and epoll alike, whose bits are the same; errors and hang-ups always count, too.
uint32_t EventsOf(const IoOperation& operation);

// Attempts it until it is done; the calling thread sleeps in between. See RunIoOperation.
int64_t AwaitOnThread(IoOperation& operation, const StopQuestion& stop);

}  // namespace weft::sys
