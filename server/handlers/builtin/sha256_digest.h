#pragma once

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace weft {

// OpenSSL's SHA-256. Fetched once, for looking it up by name takes locks; any thread.
class Sha256Algorithm {
 public:
  const EVP_MD* get() const { return algorithm_.get(); }

 private:
  struct Free {
    void operator()(EVP_MD* algorithm) const { EVP_MD_free(algorithm); }
  };
  const std::unique_ptr<EVP_MD, Free> algorithm_{EVP_MD_fetch(nullptr, "SHA256", nullptr)};
};

// One digest in the making. One thread.
class Sha256Digest {
 public:
  explicit Sha256Digest(const Sha256Algorithm& algorithm)
      : context_(EVP_MD_CTX_new()),
        is_good_(context_ != nullptr &&
                 EVP_DigestInit_ex(context_.get(), algorithm.get(), nullptr) == 1) {}

  void Add(std::string_view bytes) {
    is_good_ = is_good_ && EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
  }

  // 64 lower-case hexadecimal digits; empty when OpenSSL refused something. Last call.
  std::string Hex() {
    std::array<unsigned char, 32> bytes{};
    is_good_ = is_good_ && EVP_DigestFinal_ex(context_.get(), bytes.data(), nullptr) == 1;
    if (!is_good_) return {};
    return absl::BytesToHexString(
        absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }

  bool is_good() const { return is_good_; }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  const std::unique_ptr<EVP_MD_CTX, Free> context_;
  bool is_good_;
};

}  // namespace weft
