#pragma once

namespace weft {

// Something that another thread has the Door do between two of its rounds. Stays where it is from
// being put into the mail until it was run.
class DoorErrand {
 public:
  // Door thread only. Must not block.
  virtual void Run() = 0;

 protected:
  DoorErrand() = default;
  ~DoorErrand() = default;
  DoorErrand(const DoorErrand&) = delete;
  DoorErrand& operator=(const DoorErrand&) = delete;
};

}  // namespace weft
