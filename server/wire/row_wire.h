#pragma once

#include <cstddef>
#include <cstdint>

#include "task/task_result.h"

// Results written straight into the rows of a weft.v1.StreamTasksResponse, byte for byte as the
// generated code writes them (https://protobuf.dev/programming-guides/encoding/), but in one pass
// and without a message between. Rows that follow each other are a whole message. Pure functions,
// any thread.

namespace weft {

// How many bytes a row takes, and its two inner messages.
struct RowBytes {
  size_t whole = 0;
  uint32_t row = 0;
  uint32_t result = 0;
  uint32_t error = 0;
};

RowBytes MeasureRow(const TaskResult& result);

// to: room for bytes.whole. Returns the end.
uint8_t* WriteRow(const TaskResult& result, const RowBytes& bytes, uint8_t* to);

}  // namespace weft
