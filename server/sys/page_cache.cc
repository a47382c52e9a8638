#include "sys/page_cache.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace weft::sys {
namespace {

// cachestat(2), newer than Debian 12's headers.
constexpr long kSysCachestat = 451;
struct CachestatRange {
  uint64_t offset;
  uint64_t bytes;
};
struct Cachestat {
  uint64_t cached;
  uint64_t dirty;
  uint64_t under_writeback;
  uint64_t evicted;
  uint64_t recently_evicted;
};

}  // namespace

PageCache::Part PageCache::Holds(int fd, uint64_t offset, uint64_t bytes) {
  if (!can_tell_) return Part::kUnknown;
  static const auto kPageBytes = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  const CachestatRange range = {offset, bytes};
  Cachestat cache = {};
  if (::syscall(kSysCachestat, fd, &range, &cache, 0) != 0) {
    can_tell_ = errno != ENOSYS;
    return Part::kUnknown;
  }
  if (cache.cached == 0) return Part::kNothing;
  return cache.cached * kPageBytes >= bytes ? Part::kAll : Part::kSome;
}

bool PageCache::IsDone(IoOperation* hint) {
  if (hint->kind != IoKind::kReadAhead) return false;
  // The system's own guesses would be made by whoever reads: this thread. Setting it never blocks.
  ::posix_fadvise(hint->fd, 0, 0, POSIX_FADV_RANDOM);
  const Part part = Holds(hint->fd, hint->offset, hint->bytes);
  hint->was_missing = part == Part::kNothing;
  return part == Part::kAll;
}

}  // namespace weft::sys
