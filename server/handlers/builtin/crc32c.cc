#include <isa-l/crc.h>

#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "handlers/builtin/builtin.h"

namespace weft {
namespace {

constexpr size_t kChunkBytes = 64 * 1024;  // Hashed between two checks: a few microseconds.

class Crc32cHandler final : public Handler {
 public:
  std::string_view name() const override { return "crc32c"; }
  std::string_view help() const override {
    return "CRC-32C (Castagnoli) of the payload, any bytes, as 8 lower-case hexadecimal digits";
  }
  bool never_suspends() const override { return true; }

  TaskOutcome Run(TaskContext& context) override {
    // ISA-L leaves the inversion before and after to the caller.
    uint32_t crc = ~uint32_t{0};
    for (std::string_view rest = context.payload(); !rest.empty();) {
      if (context.ShouldStop()) return context.Stop();
      const std::string_view chunk = rest.substr(0, kChunkBytes);
      // The library only reads; its parameter merely lacks the const.
      auto* const bytes = reinterpret_cast<unsigned char*>(const_cast<char*>(chunk.data()));
      crc = crc32_iscsi(bytes, static_cast<int>(chunk.size()), crc);
      rest.remove_prefix(chunk.size());
    }
    context.output().clear();
    absl::StrAppend(&context.output(), absl::Hex(~crc, absl::kZeroPad8));
    return TaskOutcome::kSucceeded;
  }
};

}  // namespace

std::unique_ptr<Handler> MakeCrc32cHandler() { return std::make_unique<Crc32cHandler>(); }

}  // namespace weft
