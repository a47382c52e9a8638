#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace weft {

// Tells the service manager that started the daemon where it stands: systemd's notify protocol,
// sd_notify(3). Does nothing where nobody listens, that is without $NOTIFY_SOCKET. Owned by the
// daemon. Any thread; a call is one datagram and may wait for a manager that does not read, so the
// Door never makes one.
class Notifier {
 public:
  // Gets the lines of one message, KEY=VALUE each, parted by newlines.
  using Send = std::function<void(const std::string& lines)>;

  // To whoever listens on $NOTIFY_SOCKET.
  Notifier();
  explicit Notifier(Send send) : send_(std::move(send)) {}

  // Whether anybody listens.
  bool has_listener() const { return send_ != nullptr; }

  // Start-up is complete.
  void Ready(std::string_view status) const;
  // A reload begins; Reloaded follows, whatever came of it. now_ns: of CLOCK_MONOTONIC.
  void Reloading(int64_t now_ns) const;
  void Reloaded() const;
  // The drain has begun. It may take limit_ns from now on, however soon the unit's TimeoutStopSec.
  void Stopping(std::string_view status, int64_t limit_ns) const;
  // A line for people: what `systemctl status` shows.
  void Status(std::string_view status) const;
  // All is well; see Watchdog.
  void FeedWatchdog() const;

 private:
  Send send_;
};

// How long the service manager lets the watchdog go unfed before it ends the daemon; 0: it does not
// watch.
int64_t WatchdogIntervalNs();

}  // namespace weft
