#pragma once

#include <cstddef>

#include "async/channel_ends.h"
#include "async/ring_channel.h"
#include "async/seat.h"

namespace weft {

// Values from any number of senders to one receiver, each a task of any host or a thread that runs
// none. Bounded; what one sender sends stays in its order. Full, senders wait, and for each place
// that becomes free who has waited longest is woken, whom one that only now comes may overtake. As
// for the rest it is what spsc_channel.h has; senders that wait take a lock for a few stores.
template <class T>
using MpscChannel = RingChannel<T, SeatRow<ChannelWaiter>>;

template <class T>
using MpscSender = SendingEnd<MpscChannel<T>>;
template <class T>
using MpscReceiver = ReceivingEnd<MpscChannel<T>>;

// A channel that is owned by its ends.
template <class T>
ChannelEnds<MpscChannel<T>> OpenMpscChannel(size_t capacity) {
  return OpenChannel<MpscChannel<T>>(capacity);
}

}  // namespace weft
