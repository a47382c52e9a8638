#pragma once

#include "executor/executor.h"

namespace weft {

// Polls a body; what it throws is a panic. Where there are no exceptions, there are none to catch.
inline BodyStep PollGuarded(TaskBody& body, const BodyContext& context) {
#if defined(__cpp_exceptions)
  try {
    return body.poll(body, context);
  } catch (...) {
    return BodyStep::Panicked();
  }
#else
  return body.poll(body, context);
#endif
}

}  // namespace weft
