#include "rpc/page_token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <cstdlib>

#include "absl/strings/escaping.h"
#include "task/limits.h"

namespace weft {
namespace {

static_assert(kMaxCores <= 256, "a core is one byte of the cursor");

void AppendNumber(uint32_t number, std::string* bytes) {
  for (int shift = 0; shift < 32; shift += 8) bytes->push_back(static_cast<char>(number >> shift));
}

uint32_t NumberAt(std::string_view bytes, size_t at) {
  uint32_t number = 0;
  for (size_t i = 0; i < 4; ++i) number |= uint32_t{static_cast<uint8_t>(bytes[at + i])} << (8 * i);
  return number;
}

// The same for filters that mean the same; each part ends where the next begins without doubt.
std::string Flat(const TaskFilter& filter) {
  std::string flat;
  flat.push_back(static_cast<char>(filter.states));
  flat.push_back(filter.cpu.has_value() ? 1 : 0);
  AppendNumber(filter.cpu.value_or(0), &flat);
  AppendNumber(static_cast<uint32_t>(filter.handler.size()), &flat);
  flat.append(filter.handler);
  flat.append(filter.labels);
  return flat;
}

}  // namespace

PageTokens::PageTokens() {
  if (RAND_bytes(key_.data(), static_cast<int>(key_.size())) != 1) std::abort();
}

std::string PageTokens::SealOf(std::string_view cursor, const TaskFilter& filter) const {
  const std::string sealed = std::string(cursor) + Flat(filter);
  uint8_t seal[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
       reinterpret_cast<const uint8_t*>(sealed.data()), sealed.size(), seal, &size);
  return std::string(reinterpret_cast<const char*>(seal), kSealBytes);
}

std::string PageTokens::Seal(const ListCursor& cursor, const TaskFilter& filter) const {
  std::string bytes;
  bytes.push_back(static_cast<char>(cursor.core));
  AppendNumber(cursor.start, &bytes);
  AppendNumber(cursor.done, &bytes);
  bytes += SealOf(bytes, filter);
  return absl::WebSafeBase64Escape(bytes);
}

std::optional<ListCursor> PageTokens::Open(std::string_view token, const TaskFilter& filter) const {
  std::string bytes;
  if (token.size() != (kCursorBytes + kSealBytes) / 3 * 4) return std::nullopt;
  if (!absl::WebSafeBase64Unescape({token.data(), token.size()}, &bytes)) return std::nullopt;
  if (bytes.size() != kCursorBytes + kSealBytes) return std::nullopt;
  const std::string_view cursor = std::string_view(bytes).substr(0, kCursorBytes);
  const std::string seal = SealOf(cursor, filter);
  if (CRYPTO_memcmp(seal.data(), bytes.data() + kCursorBytes, kSealBytes) != 0) return std::nullopt;
  return ListCursor{.core = static_cast<uint8_t>(cursor[0]),
                    .start = NumberAt(cursor, 1),
                    .done = NumberAt(cursor, 5)};
}

}  // namespace weft
