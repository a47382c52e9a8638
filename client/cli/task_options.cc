#include "client/cli/task_options.h"

#include <cerrno>
#include <cstring>
#include <iostream>
#include <iterator>
#include <limits>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/commands.h"
#include "client/cli/filter_options.h"

namespace weft::cli {
namespace {

const std::map<std::string, v1::Priority>& Priorities() {
  static const auto* const kPriorities = new std::map<std::string, v1::Priority>{
      {"high", v1::PRIORITY_HIGH}, {"normal", v1::PRIORITY_NORMAL}, {"low", v1::PRIORITY_LOW}};
  return *kPriorities;
}

absl::Status CannotRead(const std::string& path, int error) {
  return absl::InvalidArgumentError(absl::StrCat("cannot read ", path, ": ", std::strerror(error)));
}

absl::StatusOr<std::string> ReadPayload(const TaskOptions& options) {
  if (!options.file.empty()) {
    if (!options.payload.empty()) {
      return absl::InvalidArgumentError("give a payload or --file, not both");
    }
    return ReadFile(options.file);
  }
  if (options.payload != "-") return options.payload;
  return std::string(std::istreambuf_iterator<char>(std::cin), {});
}

}  // namespace

void AddTaskOptions(CLI::App* command, TaskOptions* options) {
  command->add_option("--file", options->file, "The payload is what this file contains")
      ->type_name("FILE");
  command->add_option("--priority", options->priority, "Which level the task waits in")
      ->check(CLI::IsMember({"high", "normal", "low"}))
      ->capture_default_str();
  command
      ->add_option("--io-priority", options->io_priority,
                   "How urgent its file operations are; left out: as --priority")
      ->check(CLI::IsMember({"high", "normal", "low"}));
  AddDuration(command, "--timeout", &options->timeout_ns,
              "Time from admission within which the task must complete; 0: none");
  auto* core = command->add_option("--core", options->core, "CPU number that must run it")
                   ->check(CLI::Range(int64_t{0}, int64_t{std::numeric_limits<uint32_t>::max()}));
  command
      ->add_option("--affinity", options->affinity_key,
                   "Tasks with the same key run on the same core, whichever it is")
      ->type_name("KEY")
      ->excludes(core);
  AddLabels(command, &options->labels,
            "A label to find the task by in weft list and weft watch; may be given repeatedly");
}

absl::StatusOr<v1::TaskSpec> MakeSpec(const TaskOptions& options) {
  auto payload = ReadPayload(options);
  if (!payload.ok()) return payload.status();
  v1::TaskSpec spec;
  spec.set_handler(options.handler);
  spec.set_payload(*std::move(payload));
  spec.set_priority(Priorities().at(options.priority));
  if (!options.io_priority.empty()) {
    spec.set_io_priority(Priorities().at(options.io_priority));
  }
  spec.set_timeout_ns(options.timeout_ns);
  if (options.core >= 0) spec.set_core(static_cast<uint32_t>(options.core));
  spec.set_client_tag(options.tag);
  spec.set_affinity_key(options.affinity_key);
  PutLabels(options.labels, spec.mutable_labels());
  return spec;
}

absl::StatusOr<std::ifstream> OpenFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (file) file.peek();  // A folder opens, but cannot be read.
  if (!file.is_open() || file.bad()) return CannotRead(path, errno);
  return file;
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  constexpr size_t kChunkBytes = 64 * 1024;
  // The most that limits.max_payload_bytes can be.
  constexpr size_t kMostBytes = 64 * 1024 * 1024;
  absl::StatusOr<std::ifstream> file = OpenFile(path);
  if (!file.ok()) return file.status();
  std::string content;
  while (file->good()) {
    const size_t size = content.size();
    content.resize(size + kChunkBytes);
    file->read(content.data() + size, kChunkBytes);
    if (file->bad()) return CannotRead(path, errno);
    content.resize(size + static_cast<size_t>(file->gcount()));
    if (content.size() > kMostBytes) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": is longer than ", kMostBytes,
                                                     " bytes, the most that a daemon can allow"));
    }
  }
  return content;
}

}  // namespace weft::cli
