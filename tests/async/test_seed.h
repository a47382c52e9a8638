#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

namespace weft {

// Of a test that draws by chance: printed, and taken back from WEFT_TEST_SEED.
inline uint64_t TestSeed() {
  const char* const given = std::getenv("WEFT_TEST_SEED");
  const uint64_t seed = given != nullptr ? std::stoull(given) : std::random_device{}();
  std::cout << "WEFT_TEST_SEED=" << seed << "\n";
  return seed;
}

}  // namespace weft
