#pragma once

#include <cstdint>

#include "async/wait_result.h"

namespace weft {

// Waits at a seat, or row of them, until attempt() says another thing than kWouldWait. must_wait:
// whether it would say that. caller: what a Waiter is made from. What could be done when the wait
// ended otherwise counts. Who was woken and has not used what it was woken for is always followed
// by an attempt: so in a row, of which one is woken for each thing that comes, none is left asleep
// beside a thing that is there.
template <class Waiter, class Seats, class Caller, class Attempt, class Look>
WaitResult WaitAt(Seats& seats, Caller& caller, int64_t until_ns, Attempt attempt, Look must_wait) {
  TryResult tried = attempt();
  while (tried == TryResult::kWouldWait) {
    Waiter waiter(caller);
    if (!seats.Sit(waiter)) return WaitResult::kElsewhere;
    const bool sleeps = must_wait();
    WaitResult waited = sleeps ? waiter.Wait(until_ns) : WaitResult::kDone;
    const bool is_notified = sleeps && waited == WaitResult::kDone;
    if (!is_notified && !seats.Leave(waiter)) waiter.AwaitNotify();
    tried = attempt();
    if (tried == TryResult::kWouldWait && waited != WaitResult::kDone) return waited;
  }
  return WaitResultOf(tried);
}

}  // namespace weft
