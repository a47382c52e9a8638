#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::sys {

size_t PageBytes();

// Whether the kernel can guard pages without splitting the mapping they lie in (Linux 6.13); else
// each guarded range takes two mappings of vm.max_map_count. Any thread; asks the kernel.
bool HasGuardMarkers();

// What was asked to be locked and what was: the difference is beyond RLIMIT_MEMLOCK.
struct LockedMemory {
  uint64_t wanted = 0;
  uint64_t locked = 0;
};

// Has the memory committed and keeps it from being paged out, as far as the process may; it is
// unlocked when it goes. The first guard_bytes are a guard, which has nothing to commit but shall
// not split what is locked. Any thread.
void LockMemory(const void* from, size_t bytes, LockedMemory* tally, size_t guard_bytes = 0);

// Whether so many bytes more may be locked now. Any thread; asks the kernel, commits nothing.
bool MayLockMemory(uint64_t bytes);

// Puts memory that is committed already into huge pages, as far as it covers whole ones and the
// kernel has them (Linux 6.1); what it holds stays. Costs a copy of it. Returns how many bytes then
// lie in huge pages. Any thread.
size_t UseHugePages(const void* from, size_t bytes);

// Asks the kernel to keep the pages that this lies in on the NUMA node, as long as it has room
// there: those that are touched later come from it, those that lie elsewhere move, whatever policy
// the process was started with. False when the kernel refuses: errno says why. Any thread.
bool KeepOnNode(const void* from, size_t bytes, uint32_t node);

// The part of it that is committed and lies on another node, in whole pages. Any thread; asks the
// kernel of each page. 0 where it does not tell.
uint64_t BytesOffNode(const void* from, size_t bytes, uint32_t node);

// Memory that comes straight from the kernel and goes back to it: zeroed, committed page by page as
// it is touched, on the node of the CPU that touches it first. Owned like any memory; no thread
// rule of its own.
class Mapping {
 public:
  Mapping() = default;
  ~Mapping();
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;

  // Of pages of the usual size. Empty when the kernel refuses: errno says why.
  static Mapping Make(size_t bytes);

  // It stays mapped, for ever.
  void Leave() { data_ = nullptr; }

  char* data() const { return data_; }
  size_t bytes() const { return bytes_; }

  // Makes whole pages inside inaccessible. False when the kernel refuses: errno says why.
  static bool Guard(char* from, size_t bytes);
  // Gives the memory of whole pages inside back; they are zero when they are touched again. Nothing
  // happens to locked ones.
  static void Release(char* from, size_t bytes);

 private:
  Mapping(char* data, size_t bytes) : data_(data), bytes_(bytes) {}

  char* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace weft::sys
