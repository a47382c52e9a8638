#pragma once

#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace weft::sys {

// A stack of its own for the signals of the calling thread, so that one that arrives while the
// thread is on a small stack, such as a fiber's, cannot overflow that. Made and destroyed on that
// thread. Without memory for it there is none.
class SignalStack {
 public:
  SignalStack();
  ~SignalStack();
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

 private:
  void* bottom_;
  size_t bytes_;
  stack_t previous_{};
};

// The calling thread's number in the system, as CaptureStack takes it.
int ThisThreadId();

// Once in a process, before the first CaptureStack: takes SIGURG, and loads what a signal handler
// must not. The system's reason when that is refused.
absl::Status PrepareStackCapture();

inline constexpr size_t kMostFrames = 32;

// Where a thread of this process is: addresses, innermost first, at most kMostFrames. Empty when
// it does not answer within timeout_ns: it has ended, or the system keeps signals from it. The
// thread is interrupted by a signal for some microseconds; system calls that are under way are
// restarted, but sleeps end early with EINTR. Any thread.
std::vector<void*> CaptureStack(int thread_id, int64_t timeout_ns);

// One line: the function of each frame, innermost first, with " < " between; where nothing has a
// name, module and offset, as addr2line takes them. At most `most` frames.
std::string DescribeStack(const std::vector<void*>& frames, size_t most);

}  // namespace weft::sys
