#include "sys/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

namespace weft::sys {
namespace {

// Newer than Debian 12's headers.
constexpr int kGuardInstall = 102;  // MADV_GUARD_INSTALL
constexpr int kCollapse = 25;       // MADV_COLLAPSE

constexpr size_t kHugePageBytes = 2 * 1024 * 1024;

// The kernel is told of memory by a pointer that may write, whatever it does with it.
char* Start(const void* from) { return static_cast<char*>(const_cast<void*>(from)); }

}  // namespace

size_t PageBytes() {
  static const auto bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

bool HasGuardMarkers() {
  const Mapping page = Mapping::Make(PageBytes());
  return page.data() != nullptr && ::madvise(page.data(), page.bytes(), kGuardInstall) == 0;
}

void LockMemory(const void* from, size_t bytes, LockedMemory* tally, size_t guard_bytes) {
  tally->wanted += bytes;
  if (::mlock2(from, bytes, MLOCK_ONFAULT) != 0) return;
  tally->locked += bytes;
  const size_t page = PageBytes();
  char* first = Start(from) + guard_bytes;
  first -= reinterpret_cast<uintptr_t>(first) % page;
  const auto length = static_cast<size_t>(Start(from) + bytes - first);
  // Before Linux 5.14 the first touch commits.
  ::madvise(first, (length + page - 1) / page * page, MADV_POPULATE_WRITE);
}

bool MayLockMemory(uint64_t bytes) {
  const Mapping asked = Mapping::Make(bytes);
  return asked.data() != nullptr && ::mlock2(asked.data(), bytes, MLOCK_ONFAULT) == 0;
}

size_t UseHugePages(const void* from, size_t bytes) {
  const size_t beyond = reinterpret_cast<uintptr_t>(from) % kHugePageBytes;
  size_t at = beyond == 0 ? 0 : kHugePageBytes - beyond;
  size_t huge = 0;
  // One by one, until the kernel has none left; the rest stays as it is.
  for (; at + kHugePageBytes <= bytes; at += kHugePageBytes) {
    if (::madvise(Start(from) + at, kHugePageBytes, kCollapse) != 0) break;
    huge += kHugePageBytes;
  }
  return huge;
}

Mapping::~Mapping() {
  if (data_ != nullptr) ::munmap(data_, bytes_);
}

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Mapping Mapping::Make(size_t bytes) {
  void* const data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (data == MAP_FAILED) return {};
  // Where huge pages are the rule, the first touch would commit 2 MiB.
  ::madvise(data, bytes, MADV_NOHUGEPAGE);
  return {static_cast<char*>(data), bytes};
}

bool Mapping::Guard(char* from, size_t bytes) {
  return ::madvise(from, bytes, kGuardInstall) == 0 || ::mprotect(from, bytes, PROT_NONE) == 0;
}

void Mapping::Release(char* from, size_t bytes) { ::madvise(from, bytes, MADV_DONTNEED); }

}  // namespace weft::sys
