#pragma once

#include <liburing.h>

#include <cstdint>

#include "sys/io_operation.h"

namespace weft::sys {

// What an operation is to io_uring: the opcode behind each kind, and the entry that asks for it,
// with the operation's address as its data. Not for what needs a thread, which the kernel never
// gets. Any thread.
int OpcodeOf(IoKind kind);
void PrepareEntry(io_uring_sqe* entry, IoOperation* operation);

}  // namespace weft::sys
