#include "client/cli/unknown_command.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace weft::cli {
namespace {

constexpr size_t kNearDistance = 2;

// The number of single-character insertions, removals and replacements between the two.
size_t EditDistance(std::string_view from, std::string_view to) {
  std::vector<size_t> row(to.size() + 1);
  for (size_t j = 0; j <= to.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= from.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= to.size(); ++j) {
      const size_t replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({replaced, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row[to.size()];
}

// Empty when none is near.
std::string NearestCommand(const CLI::App& app, const std::string& word) {
  std::string nearest;
  size_t least = std::min(kNearDistance + 1, word.size());
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    const size_t distance = EditDistance(word, command->get_name());
    if (distance >= least) continue;
    least = distance;
    nearest = command->get_name();
  }
  return nearest;
}

}  // namespace

std::optional<std::string> UnknownCommand(const CLI::App& app) {
  if (!app.get_subcommands().empty()) return std::nullopt;
  const std::vector<std::string> words = app.remaining();
  if (words.empty() || words[0].empty() || words[0][0] == '-') return std::nullopt;
  const std::string nearest = NearestCommand(app, words[0]);
  return absl::StrCat("unknown command \"", words[0], "\"",
                      nearest.empty() ? "" : absl::StrCat("; did you mean \"", nearest, "\"?"));
}

}  // namespace weft::cli
