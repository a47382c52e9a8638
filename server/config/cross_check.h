#pragma once

#include <string>
#include <vector>

namespace weft {

struct LoadedConfig;

// Mistakes that no value has by itself, one line each as LoadConfig tells them: bounds that
// contradict each other, addresses beyond loopback that were not allowed, a daemon that nobody
// could reach. What only the machine can tell is not among them. Pure, any thread.
std::vector<std::string> CrossCheck(const LoadedConfig& loaded);

}  // namespace weft
