#include "client/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_replace.h"

namespace weft::cli {
namespace {

constexpr char kEnter[] = "\x1b[?1049h\x1b[?25l\x1b[2J";
constexpr char kLeave[] = "\x1b[?25h\x1b[?1049l";
constexpr char kHome[] = "\x1b[H";
constexpr char kClearRest[] = "\x1b[J";

// A terminal that is gone cannot be told anything.
void WriteAll(const std::string& text) {
  size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = write(STDOUT_FILENO, text.data() + written, text.size() - written);
    if (count < 0 && errno != EINTR) return;
    if (count > 0) written += static_cast<size_t>(count);
  }
}

}  // namespace

FullScreen::FullScreen() {
  has_keys_ = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &before_) == 0;
  if (has_keys_) {
    termios raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  WriteAll(kEnter);
}

FullScreen::~FullScreen() {
  WriteAll(kLeave);
  if (has_keys_) tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

void FullScreen::Show(const std::string& frame) {
  // Each line clears what it does not cover, so that nothing flickers.
  WriteAll(kHome + absl::StrReplaceAll(frame, {{"\n", "\x1b[K\r\n"}}) + "\x1b[K" + kClearRest);
}

TopSize FullScreen::size() {
  winsize window{};
  TopSize size;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0) return size;
  size.columns = window.ws_col;
  size.rows = window.ws_row;
  return size;
}

bool IsTerminal() {
  const char* const name = std::getenv("TERM");
  const bool is_dumb = name == nullptr || std::strcmp(name, "dumb") == 0;
  return isatty(STDOUT_FILENO) == 1 && !is_dumb;
}

}  // namespace weft::cli
