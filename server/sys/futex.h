#pragma once

#include <atomic>
#include <cstdint>

namespace weft::sys {

// Sleeps while `word` holds `while_equal`, for timeout_ns at the longest (negative: no end). May
// come back early for no reason: look again.
void FutexWait(std::atomic<uint32_t>& word, uint32_t while_equal, int64_t timeout_ns);

// Ends one such sleep. Change the word before. The word itself may be gone by now: an address is
// all the system needs.
void FutexWake(std::atomic<uint32_t>& word);

}  // namespace weft::sys
