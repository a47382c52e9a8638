# Wrong forms of what channels between threads are made of, for channel_model_test.cc and
# byte_ring_model_test.cc.
weft_mutant(
  async/channel_ring.h ChannelRing HastyChannelRing
  "slot.item = std::move(item);
    slot.sequence.store(tail + 1, Orders::kPublish);"
  "slot.sequence.store(tail + 1, Orders::kPublish);
    slot.item = std::move(item);")
weft_mutant(
  async/channel_ring.h ChannelRing TellingChannelRing
  "tail_.fetch_or(kClosedBit, std::memory_order_relaxed);
    closed_.store(1, Orders::kClose);"
  "closed_.store(1, Orders::kClose);
    tail_.fetch_or(kClosedBit, std::memory_order_relaxed);")
weft_mutant(async/channel_ring.h ChannelRing HeedlessChannelRing
            "is_closed() && (tail_.load(std::memory_order_relaxed) & ~kClosedBit) == head_copy_"
            "is_closed()")
weft_mutant(
  async/seat.h Seat LookingSeat "seat_.exchange(nullptr, Orders::kWake)"
  "seat_.load(std::memory_order_acquire) == nullptr
                         ? nullptr
                         : seat_.exchange(nullptr, Orders::kWake)")
weft_mutant(async/seat.h Seat CountingSeat "count_.fetch_add(0, Orders::kWake) > 0"
            "count_.load(std::memory_order_acquire) > 0")
weft_mutant(async/wait_at.h WaitAt BlindWaitAt "const bool sleeps = must_wait()"
            "must_wait();
    const bool sleeps = true")
weft_mutant(async/wait_at.h WaitAt HurriedWaitAt "waiter.AwaitNotify()"
            "waited = WaitResult::kElapsed")
weft_mutant(
  async/wait_at.h WaitAt WastefulWaitAt
  "tried = attempt();
    if (tried == TryResult::kWouldWait && waited != WaitResult::kDone) return waited;"
  "if (waited != WaitResult::kDone) return waited;
    tried = attempt();")
weft_mutant(
  async/byte_ring.h ByteRing HastyByteRing
  "std::copy_n(bytes.data(), at_end, bytes_.get() + PlaceOf(tail));
    std::copy_n(bytes.data() + at_end, fitting - at_end, bytes_.get());
    if (!tail_.compare_exchange_strong(tail, tail + fitting, Orders::kPublish,
                                       std::memory_order_relaxed)) {
      return TryResult::kClosed;
    }"
  "const uint64_t from = tail;
    if (!tail_.compare_exchange_strong(tail, tail + fitting, Orders::kPublish,
                                       std::memory_order_relaxed)) {
      return TryResult::kClosed;
    }
    std::copy_n(bytes.data(), at_end, bytes_.get() + PlaceOf(from));
    std::copy_n(bytes.data() + at_end, fitting - at_end, bytes_.get());")
weft_mutant(
  async/byte_ring.h ByteRing OpenByteRing
  "if (!tail_.compare_exchange_strong(tail, tail + fitting, Orders::kPublish,
                                       std::memory_order_relaxed)) {
      return TryResult::kClosed;
    }"
  "tail_.store(tail + fitting, Orders::kPublish);")
