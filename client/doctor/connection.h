#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Plain connections of limited patience. Any thread.
namespace weft::doctor {

// The part of "host:port" or "[::1]:port" that is the port; 0 when there is none.
[[nodiscard]] int PortOf(const std::string& address);

// Whether `target`, "host:port" or "unix:/path", takes a connection, which is closed at once.
// NOT_FOUND: nothing listens. FAILED_PRECONDITION: a socket file that nothing listens on.
// PERMISSION_DENIED: this user may not. UNAVAILABLE: neither in time, or the name is unknown.
[[nodiscard]] absl::Status TryConnect(const std::string& target, int64_t time_max_ns);

// The answer to GET `path`, head included, at most 4 MiB of it. Errors as TryConnect, and
// DEADLINE_EXCEEDED when it did not end in time.
[[nodiscard]] absl::StatusOr<std::string> HttpGet(const std::string& address,
                                                  const std::string& path, int64_t time_max_ns);

}  // namespace weft::doctor
