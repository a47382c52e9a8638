#pragma once

#include <cstddef>

#include "executor/mail.h"
#include "sys/finished_list.h"

namespace weft {

// What others have asked a core to do on its thread. Never full: mail is linked through itself, and
// there is no more of it than there are tasks, handles and waiters. Owned by the core.
class Mailbox {
 public:
  // Any thread. Whoever delivers wakes the core afterwards, as sys/parking.h demands.
  void Push(Mail& mail) { arrived_.Push(&mail); }

  // Core thread only. A hint, but sure after Parking::Announce.
  bool empty() const { return unopened_ == nullptr && arrived_.empty(); }

  // Core thread only. Opens up to `most`, oldest first; true if there was any. What arrives
  // meanwhile is left for the next call.
  bool Open(size_t most) {
    if (unopened_ == nullptr) unopened_ = arrived_.TakeAll();
    size_t count = 0;
    for (; count < most && unopened_ != nullptr; ++count) {
      Mail* const mail = unopened_;
      unopened_ = mail->next;
      mail->open(*mail);
    }
    return count > 0;
  }

 private:
  sys::FinishedList<Mail> arrived_;
  Mail* unopened_ = nullptr;
};

}  // namespace weft
