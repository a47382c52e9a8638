#pragma once

#include <cstddef>

#include "async/channel_ends.h"
#include "async/ring_channel.h"
#include "async/seat.h"

namespace weft {

// Values from one sender to one receiver, each a task of any host or a thread that runs none, and
// another one at another time. Bounded, in order; full, the sender waits, empty, the receiver does:
// a task is suspended, never its host's thread. A send, and a receive, that nobody waits for costs
// two changes of words that its own side owns, and one cache line that carries item and sequence.
// Two that would wait on the same side at a time are one too many: the second is refused with
// kElsewhere. See ring_channel.h for what each function does.
template <class T>
using SpscChannel = RingChannel<T, Seat<ChannelWaiter>>;

template <class T>
using SpscSender = SendingEnd<SpscChannel<T>>;
template <class T>
using SpscReceiver = ReceivingEnd<SpscChannel<T>>;

// A channel that is owned by its ends.
template <class T>
ChannelEnds<SpscChannel<T>> OpenSpscChannel(size_t capacity) {
  return OpenChannel<SpscChannel<T>>(capacity);
}

}  // namespace weft
