#include "daemon/notify.h"

#include <systemd/sd-daemon.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

std::string StatusLine(std::string_view status) {
  return absl::StrCat("STATUS=", std::string(status));
}

}  // namespace

Notifier::Notifier() {
  if (std::getenv("NOTIFY_SOCKET") == nullptr) return;
  // A manager that cannot be reached is no reason to stop the work.
  send_ = [](const std::string& lines) { static_cast<void>(sd_notify(0, lines.c_str())); };
}

void Notifier::Ready(std::string_view status) const {
  if (send_) send_(absl::StrCat("READY=1\n", StatusLine(status)));
}

void Notifier::Reloading(int64_t now_ns) const {
  if (send_) send_(absl::StrCat("RELOADING=1\nMONOTONIC_USEC=", now_ns / 1'000));
}

void Notifier::Reloaded() const {
  if (send_) send_("READY=1");
}

void Notifier::Stopping(std::string_view status, int64_t limit_ns) const {
  if (!send_) return;
  send_(
      absl::StrCat("STOPPING=1\n", StatusLine(status), "\nEXTEND_TIMEOUT_USEC=", limit_ns / 1'000));
}

void Notifier::Status(std::string_view status) const {
  if (send_) send_(StatusLine(status));
}

void Notifier::FeedWatchdog() const {
  if (send_) send_("WATCHDOG=1");
}

int64_t WatchdogIntervalNs() {
  uint64_t interval_us = 0;
  if (sd_watchdog_enabled(0, &interval_us) <= 0) return 0;
  return static_cast<int64_t>(interval_us) * 1'000;
}

}  // namespace weft
