#pragma once

#include <string>

namespace weft {

// What handlers are configured with.
struct HandlerOptions {
  // The directory the file handlers work beneath; empty: they fail every task.
  std::string file_root;
};

}  // namespace weft
