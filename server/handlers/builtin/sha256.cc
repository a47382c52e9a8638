#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "handlers/builtin/builtin.h"

namespace weft {
namespace {

constexpr size_t kChunkBytes = 64 * 1024;  // Hashed between two checks: tens of microseconds.
constexpr size_t kDigestBytes = 32;

struct FreeDigest {
  void operator()(EVP_MD_CTX* digest) const { EVP_MD_CTX_free(digest); }
};

class Sha256Handler final : public Handler {
 public:
  std::string_view name() const override { return "sha256"; }
  std::string_view help() const override {
    return "SHA-256 of the payload, any bytes, as 64 lower-case hexadecimal digits";
  }
  bool never_suspends() const override { return true; }

  TaskOutcome Run(TaskContext& context) override {
    const std::unique_ptr<EVP_MD_CTX, FreeDigest> digest(EVP_MD_CTX_new());
    bool done =
        digest != nullptr && EVP_DigestInit_ex(digest.get(), algorithm_.get(), nullptr) == 1;
    for (std::string_view rest = context.payload(); done && !rest.empty();) {
      if (context.ShouldStop()) return context.Stop();
      const std::string_view chunk = rest.substr(0, kChunkBytes);
      done = EVP_DigestUpdate(digest.get(), chunk.data(), chunk.size()) == 1;
      rest.remove_prefix(chunk.size());
    }
    std::array<unsigned char, kDigestBytes> bytes{};
    if (!done || EVP_DigestFinal_ex(digest.get(), bytes.data(), nullptr) != 1) {
      return context.Fail("OpenSSL refused to compute SHA-256");
    }
    context.output() = absl::BytesToHexString(
        absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    return TaskOutcome::kSucceeded;
  }

 private:
  struct FreeAlgorithm {
    void operator()(EVP_MD* algorithm) const { EVP_MD_free(algorithm); }
  };
  // Fetched once: looking it up by name for each task takes locks.
  const std::unique_ptr<EVP_MD, FreeAlgorithm> algorithm_{EVP_MD_fetch(nullptr, "SHA256", nullptr)};
};

}  // namespace

std::unique_ptr<Handler> MakeSha256Handler() { return std::make_unique<Sha256Handler>(); }

}  // namespace weft
