#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "google/protobuf/map.h"
#include "task/labels.h"
#include "task/refusal.h"

// Labels between a protobuf map and the flat form of task/labels.h. Pure functions, any thread.

namespace weft {

using LabelMap = google::protobuf::Map<std::string, std::string>;

// Overwrites *labels. Refuses more than kMaxLabels, keys and values that are too long, and keys
// with other characters than task.proto names; of several mistakes, the one whose key comes first.
// path is where the map stands in the request ("spec.labels"); a pair is at path["key"].
std::optional<Refusal> ReadLabels(const LabelMap& message, std::string_view path,
                                  std::string* labels);

// The same of at most kMaxLabels pairs, each key once, which are put in order.
std::optional<Refusal> ReadLabels(std::span<Label> pairs, std::string_view path,
                                  std::string* labels);

// Overwrites *message.
void WriteLabels(std::string_view labels, LabelMap* message);

}  // namespace weft
