#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "handlers/builtin/host_port.h"

namespace weft {

// What an http:// URL asks for.
struct HttpUrl {
  HostPort whom;
  std::string host_header;  // The host, and its port unless that is 80.
  std::string target;       // Path and query: "/", "/a?b=c".
};

// INVALID_ARGUMENT says what is wrong: another scheme, user information, a host or port that is
// none, a byte that is not printable ASCII (it could end the request's line), more than
// kMostUrlBytes. A fragment is left out, for it is not the server's.
inline constexpr size_t kMostUrlBytes = 8'192;
absl::StatusOr<HttpUrl> ParseHttpUrl(std::string_view text);

}  // namespace weft
