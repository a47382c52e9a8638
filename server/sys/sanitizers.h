#pragma once

// Which sanitizers this is built with.
#if defined(__SANITIZE_ADDRESS__)
#define WEFT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define WEFT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEFT_TSAN 1
#endif
#endif

#if WEFT_ASAN
#include <sanitizer/lsan_interface.h>
#endif

namespace weft::sys {

// What is at `memory` is left behind on purpose.
inline void ExpectLeak([[maybe_unused]] const void* memory) {
#if WEFT_ASAN
  __lsan_ignore_object(memory);
#endif
}

}  // namespace weft::sys
