#include "sys/memory.h"

#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>

namespace weft::sys {
namespace {

// Newer than Debian 12's headers.
constexpr int kGuardInstall = 102;  // MADV_GUARD_INSTALL
constexpr int kCollapse = 25;       // MADV_COLLAPSE

constexpr size_t kHugePageBytes = 2 * 1024 * 1024;

// The kernel's own bound, MAX_NUMNODES.
constexpr uint32_t kNodesMax = 1024;
constexpr size_t kPagesPerQuestion = 512;

// The kernel is told of memory by a pointer that may write, whatever it does with it.
char* Start(const void* from) { return static_cast<char*>(const_cast<void*>(from)); }

// The whole pages that memory lies in.
struct Pages {
  Pages(const void* from, size_t bytes) {
    const size_t before = reinterpret_cast<uintptr_t>(from) % PageBytes();
    first = Start(from) - before;
    count = (before + bytes + PageBytes() - 1) / PageBytes();
  }
  char* first;
  size_t count;
};

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

// Preferred and not bound, since a full node is no reason to be killed.
bool KeepOnNode(const void* from, size_t bytes, uint32_t node) {
  constexpr size_t kBits = 8 * sizeof(unsigned long);
  std::array<unsigned long, kNodesMax / kBits> mask{};
  if (node >= kNodesMax) {
    errno = EINVAL;
    return false;
  }
  mask[node / kBits] = 1UL << (node % kBits);
  const Pages pages(from, bytes);
  // The kernel leaves the last of so many bits out.
  return ::syscall(SYS_mbind, pages.first, pages.count * PageBytes(), MPOL_PREFERRED, mask.data(),
                   kNodesMax + 1, MPOL_MF_MOVE) == 0;
}

uint64_t BytesOffNode(const void* from, size_t bytes, uint32_t node) {
  std::array<void*, kPagesPerQuestion> asked;
  std::array<int, kPagesPerQuestion> nodes;
  const Pages pages(from, bytes);
  uint64_t count = 0;
  for (size_t done = 0; done < pages.count; done += asked.size()) {
    const size_t some = std::min(asked.size(), pages.count - done);
    for (size_t i = 0; i < some; ++i) asked[i] = pages.first + (done + i) * PageBytes();
    if (::syscall(SYS_move_pages, 0, some, asked.data(), nullptr, nodes.data(), 0) != 0) return 0;
    for (size_t i = 0; i < some; ++i) {
      // A page without memory is told as an error, below 0.
      if (nodes[i] >= 0 && static_cast<uint32_t>(nodes[i]) != node) ++count;
    }
  }
  return count * PageBytes();
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
