#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "weft/v1/task_service.pb.h"

namespace weft::cli {

// Which tasks the user means, the same words in list and watch. Main thread only.
struct FilterOptions {
  std::vector<std::string> states;
  std::string handler;
  int64_t core = -1;
  std::vector<std::string> labels;
};

// --state, --handler, --core and --label.
void AddFilterOptions(CLI::App* command, FilterOptions* options);

[[nodiscard]] v1::TaskFilter MakeFilter(const FilterOptions& options);

// An option that takes key=value, several times; what it takes is checked.
CLI::Option* AddLabels(CLI::App* command, std::vector<std::string>* labels,
                       const std::string& help);

// Puts key=value, as AddLabels took them, into the map; of one key twice the last.
void PutLabels(const std::vector<std::string>& labels,
               google::protobuf::Map<std::string, std::string>* map);

}  // namespace weft::cli
