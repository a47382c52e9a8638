#include "core/stack_pool.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

constexpr size_t kStacksBytesMax = size_t{1} << 57;

}  // namespace

StackPool::~StackPool() {
  if (mapping_ != nullptr) munmap(mapping_, mapping_bytes_);
}

absl::Status StackPool::Map(uint32_t count, size_t stack_bytes) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  // No address space is larger, and below it the sums cannot wrap.
  if (stack_bytes > kStacksBytesMax / (size_t{count} + 1)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot map ", count, " stacks of ", stack_bytes,
                     " bytes: more than the address space; lower executor.stacks or "
                     "executor.stack_bytes"));
  }
  stack_bytes_ = (stack_bytes + page - 1) / page * page;
  stride_ = stack_bytes_ + page;
  mapping_bytes_ = stride_ * count;
  void* const mapping = mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (mapping == MAP_FAILED) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "cannot map ", mapping_bytes_, " bytes for ", count, " stacks: ", std::strerror(errno),
        "; lower executor.stacks or executor.stack_bytes"));
  }
  mapping_ = static_cast<char*>(mapping);
  for (uint32_t index = 0; index < count; ++index) {
    if (mprotect(mapping_ + index * stride_, page, PROT_NONE) == 0) continue;
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot guard stack ", index, " of ", count, ": ", std::strerror(errno),
                     "; each guard takes a mapping of vm.max_map_count; lower executor.stacks"));
  }
  return absl::OkStatus();
}

void* StackPool::Bottom(uint32_t index) const {
  return mapping_ + (index + 1) * stride_ - stack_bytes_;
}

}  // namespace weft
