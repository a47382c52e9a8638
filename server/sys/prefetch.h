#pragma once

namespace weft::sys {

// Any thread. Asks for the cache line at `address`, to be written soon: without it the first write
// waits until the CPU that had the line has given it up. A hint that reads and changes nothing; any
// address.
inline void PrefetchForWrite(const void* address) {
#if defined(__x86_64__)
  // __builtin_prefetch makes a prefetch for reading of it where the compiler may not assume
  // PREFETCHW, which every x86-64 processor takes.
  asm volatile("prefetchw %0" ::"m"(*static_cast<const char*>(address)));
#else
  __builtin_prefetch(address, 1);
#endif
}

}  // namespace weft::sys
