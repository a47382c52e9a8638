#include "core/stack_pool.h"

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

constexpr size_t kStacksBytesMax = size_t{1} << 57;

absl::Status MapRefused(uint32_t index, uint32_t count, int error) {
  return absl::ResourceExhaustedError(absl::StrCat(
      "cannot guard stack ", index, " of ", count, ": ", std::strerror(error),
      "; before Linux 6.13 each guard takes two mappings of vm.max_map_count, which by default "
      "allows about 32,000 stacks; raise it, or lower executor.stacks"));
}

}  // namespace

absl::Status StackPool::Map(uint32_t count, size_t stack_bytes) {
  const size_t page = sys::PageBytes();
  // No address space is larger, and below it the sums cannot wrap.
  if (stack_bytes > kStacksBytesMax / (size_t{count} + 1)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot map ", count, " stacks of ", stack_bytes,
                     " bytes: more than the address space; lower executor.stacks or "
                     "executor.stack_bytes"));
  }
  stride_ = StrideOf(stack_bytes);
  room_bytes_ = stride_ - page;
  mapping_ = sys::Mapping::Make(stride_ * count);
  if (mapping_.data() == nullptr) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "cannot map ", stride_ * count, " bytes for ", count, " stacks: ", std::strerror(errno),
        "; lower executor.stacks or executor.stack_bytes"));
  }
  for (uint32_t index = 0; index < count; ++index) {
    if (!sys::Mapping::Guard(Bottom(index) - page, page)) return MapRefused(index, count, errno);
  }
  return absl::OkStatus();
}

size_t StackPool::StrideOf(size_t stack_bytes) {
  const size_t page = sys::PageBytes();
  const size_t spread_bytes = (kColours - 1) * kColourBytes;
  return (stack_bytes + spread_bytes + page - 1) / page * page + page;
}

void StackPool::Lock(uint32_t count, sys::LockedMemory* tally) const {
  const size_t page = sys::PageBytes();
  for (uint32_t index = 0; index < count; ++index) {
    sys::LockMemory(Bottom(index) - page, stride_, tally, page);
  }
}

char* StackPool::Bottom(uint32_t index) const {
  return mapping_.data() + (index + 1) * stride_ - room_bytes_;
}

}  // namespace weft
