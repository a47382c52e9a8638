#pragma once

#include <termios.h>

#include <string>

#include "client/cli/top_frame.h"

namespace weft::cli {

// The terminal of standard output, taken over for a full screen: the alternate screen, no cursor,
// keys read at once and not shown. Given back as it was by the destructor. One thread only; at most
// one at a time.
class FullScreen {
 public:
  FullScreen();
  ~FullScreen();
  FullScreen(const FullScreen&) = delete;
  FullScreen& operator=(const FullScreen&) = delete;

  // Replaces what is shown.
  void Show(const std::string& frame);
  // The window as it is now.
  static TopSize size();

 private:
  termios before_{};
  bool has_keys_ = false;  // Standard input is a terminal, too.
};

// Whether standard output is a terminal that understands what FullScreen sends.
[[nodiscard]] bool IsTerminal();

}  // namespace weft::cli
