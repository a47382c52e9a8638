#include "handlers/builtin/http_url.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "handlers/payload_text.h"

namespace weft {
namespace {

constexpr std::string_view kScheme = "http://";
constexpr uint16_t kHttpPort = 80;

absl::Status Wrong(std::string_view text, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("the URL ", QuoteForMessage(text), " ",
                                                 std::string(what),
                                                 "; expected one like http://host:port/path"));
}

bool HasScheme(std::string_view text) {
  return text.size() >= kScheme.size() &&
         absl::EqualsIgnoreCase(absl::string_view(text.data(), kScheme.size()),
                                absl::string_view(kScheme.data(), kScheme.size()));
}

}  // namespace

absl::StatusOr<HttpUrl> ParseHttpUrl(std::string_view text) {
  if (text.size() > kMostUrlBytes) {
    return Wrong(text, absl::StrCat("has ", text.size(), " bytes, more than ", kMostUrlBytes));
  }
  if (!std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; })) {
    return Wrong(text, "holds a byte that is not printable ASCII");
  }
  if (!HasScheme(text)) return Wrong(text, "does not begin with http://");
  std::string_view rest = text.substr(kScheme.size());
  rest = rest.substr(0, rest.find('#'));
  const size_t host_end = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, host_end);
  if (authority.find('@') != std::string_view::npos) return Wrong(text, "has user information");
  const std::optional<HostPort> whom = ParseHostPort(authority, kHttpPort);
  if (!whom.has_value()) return Wrong(text, "names no host, or no port");
  HttpUrl url = {.whom = *whom, .host_header = whom->Text(), .target = ""};
  if (whom->port == kHttpPort) url.host_header.resize(url.host_header.rfind(':'));
  const std::string_view target = rest.substr(host_end);
  // A query may follow the host at once; its path is then the root.
  url.target = absl::StrCat(target.starts_with('/') ? "" : "/", std::string(target));
  return url;
}

}  // namespace weft
