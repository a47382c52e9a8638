#include <cstddef>
#include <utility>

#include "handlers/builtin/builtin.h"
#include "handlers/builtin/sha256_digest.h"

namespace weft {
namespace {

constexpr size_t kChunkBytes = 64 * 1024;  // Hashed between two checks: tens of microseconds.

class Sha256Handler final : public Handler {
 public:
  std::string_view name() const override { return "sha256"; }
  std::string_view help() const override {
    return "SHA-256 of the payload, any bytes, as 64 lower-case hexadecimal digits";
  }
  bool never_suspends() const override { return true; }

  TaskOutcome Run(TaskContext& context) override {
    Sha256Digest digest(algorithm_);
    for (std::string_view rest = context.payload(); digest.is_good() && !rest.empty();) {
      if (context.ShouldStop()) return context.Stop();
      const std::string_view chunk = rest.substr(0, kChunkBytes);
      digest.Add(chunk);
      rest.remove_prefix(chunk.size());
    }
    std::string hex = digest.Hex();
    if (hex.empty()) return context.Fail("OpenSSL refused to compute SHA-256");
    context.output() = std::move(hex);
    return TaskOutcome::kSucceeded;
  }

 private:
  const Sha256Algorithm algorithm_{};
};

}  // namespace

std::unique_ptr<Handler> MakeSha256Handler() { return std::make_unique<Sha256Handler>(); }

}  // namespace weft
