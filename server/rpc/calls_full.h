#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "task/refusal.h"

namespace weft {

// Streams and watches are long.
inline constexpr int64_t kLongCallRetryNs = 1'000'000'000;

// Of a call that is one too many. what: "8 calls watch tasks".
inline Refusal CallsFull(std::string_view what, std::string_view bound, int64_t retry_after_ns) {
  return {.reason = RefusalReason::kCallsFull,
          .message = std::string(what) + "; " + std::string(bound) + " is reached",
          .bound = std::string(bound),
          .retry_after_ns = retry_after_ns};
}

}  // namespace weft
