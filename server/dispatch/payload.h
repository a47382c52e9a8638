#pragma once

#include <cstddef>
#include <cstdint>

namespace weft {

// The bytes of one received message, held while any task needs them: one block a message, however
// many tasks it carries, counted in bytes while it is held. Made by rpc, which keeps the parsed
// message in a derived class; counted by the Dispatcher. Door thread only, so the count is plain.
class PayloadBlock {
 public:
  void Hold(uint32_t times = 1) { holders_ += times; }
  void Release(uint32_t times = 1) {
    if ((holders_ -= times) == 0) OnReleased();
  }
  uint32_t holders() const { return holders_; }

 protected:
  PayloadBlock() = default;
  ~PayloadBlock() = default;
  PayloadBlock(const PayloadBlock&) = delete;
  PayloadBlock& operator=(const PayloadBlock&) = delete;

  // The last holder is gone; the block may go back to its pool.
  virtual void OnReleased() = 0;

 private:
  uint32_t holders_ = 0;
};

}  // namespace weft
