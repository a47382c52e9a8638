#include "sys/page_cache.h"

#include <unistd.h>

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

bool PageCache::Holds(int fd, uint64_t offset, uint64_t bytes) {
  if (!can_tell_) return false;
  static const auto kPageBytes = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  const CachestatRange range = {offset, bytes};
  Cachestat cache = {};
  can_tell_ = ::syscall(kSysCachestat, fd, &range, &cache, 0) == 0;
  return can_tell_ && cache.cached * kPageBytes >= bytes;
}

}  // namespace weft::sys
