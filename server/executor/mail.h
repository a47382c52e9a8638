#pragma once

namespace weft {

// Something that an executor is to do on its own thread, asked for on another. Linked through
// itself, so that it can always be delivered and nothing is allocated for it. Its owner keeps it
// until it is opened, and delivers it no second time before that.
struct Mail {
  Mail* next = nullptr;  // The deliverer's and the executor's.
  // On the executor's thread, at the start of a turn. Short, and never suspends. The mail is the
  // owner's again, and may be freed here.
  void (*open)(Mail& mail) = nullptr;
};

}  // namespace weft
