#include "alloc_guard.h"

#include <execinfo.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <sstream>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WEFT_HAS_ALLOC_GUARD 0
#else
#define WEFT_HAS_ALLOC_GUARD 1
#endif

namespace weft {
namespace {

constexpr int kMostFrames = 24;

std::atomic<bool> is_counting{false};
std::atomic<uint64_t> counted{0};
// Of the first one: written by whoever counts it, read when nobody allocates any more.
std::array<void*, kMostFrames> first_frames;
int first_depth = 0;
size_t first_bytes = 0;

#if WEFT_HAS_ALLOC_GUARD
void Note(size_t bytes) {
  if (!is_counting.load(std::memory_order_relaxed)) return;
  if (counted.fetch_add(1, std::memory_order_relaxed) != 0) return;
  first_bytes = bytes;
  first_depth = backtrace(first_frames.data(), kMostFrames);
}
#endif

}  // namespace

AllocGuard::AllocGuard() {
  assert(!is_counting.load());
  // Its first call loads a library, which allocates.
  first_depth = backtrace(first_frames.data(), kMostFrames);
  first_depth = 0;
  counted.store(0);
  is_counting.store(true);
}

AllocGuard::~AllocGuard() { is_counting.store(false); }

bool AllocGuard::IsInstalled() { return WEFT_HAS_ALLOC_GUARD != 0; }

uint64_t AllocGuard::count() const { return counted.load(); }

std::string AllocGuard::DescribeFirst() const {
  is_counting.store(false);
  std::ostringstream text;
  text << "the first allocation: " << first_bytes << " bytes, by\n";
  char** const names = backtrace_symbols(first_frames.data(), first_depth);
  for (int i = 0; names != nullptr && i < first_depth; ++i) text << "  " << names[i] << "\n";
  std::free(static_cast<void*>(names));
  return text.str();
}

}  // namespace weft

#if WEFT_HAS_ALLOC_GUARD

// What glibc's own functions are made of.
extern "C" {
void* __libc_malloc(size_t bytes);                      // NOLINT(bugprone-reserved-identifier)
void* __libc_calloc(size_t count, size_t bytes);        // NOLINT(bugprone-reserved-identifier)
void* __libc_realloc(void* old, size_t bytes);          // NOLINT(bugprone-reserved-identifier)
void* __libc_memalign(size_t alignment, size_t bytes);  // NOLINT(bugprone-reserved-identifier)

void* malloc(size_t bytes) noexcept {
  weft::Note(bytes);
  return __libc_malloc(bytes);
}

void* calloc(size_t count, size_t bytes) noexcept {
  weft::Note(count * bytes);
  return __libc_calloc(count, bytes);
}

void* realloc(void* old, size_t bytes) noexcept {
  weft::Note(bytes);
  return __libc_realloc(old, bytes);
}

void* memalign(size_t alignment, size_t bytes) noexcept {
  weft::Note(bytes);
  return __libc_memalign(alignment, bytes);
}

void* aligned_alloc(size_t alignment, size_t bytes) noexcept {
  weft::Note(bytes);
  return __libc_memalign(alignment, bytes);
}

int posix_memalign(void** memory, size_t alignment, size_t bytes) noexcept {
  weft::Note(bytes);
  *memory = __libc_memalign(alignment, bytes);
  return *memory == nullptr ? ENOMEM : 0;
}

void* mmap(void* where, size_t bytes, int protection, int flags, int fd, off_t offset) noexcept {
  weft::Note(bytes);
  return reinterpret_cast<void*>(  // NOLINT(performance-no-int-to-ptr)
      syscall(SYS_mmap, where, bytes, protection, flags, fd, offset));
}
}

#endif
