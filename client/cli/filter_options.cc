#include "client/cli/filter_options.h"

#include <limits>
#include <map>

namespace weft::cli {
namespace {

const std::map<std::string, v1::TaskState>& States() {
  static const auto* const kStates = new std::map<std::string, v1::TaskState>{
      {"queued", v1::TASK_STATE_QUEUED},       {"running", v1::TASK_STATE_RUNNING},
      {"suspended", v1::TASK_STATE_SUSPENDED}, {"succeeded", v1::TASK_STATE_SUCCEEDED},
      {"failed", v1::TASK_STATE_FAILED},       {"cancelled", v1::TASK_STATE_CANCELLED},
      {"expired", v1::TASK_STATE_EXPIRED}};
  return *kStates;
}

std::string CheckLabel(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals != std::string::npos && equals > 0) return "";
  return "\"" + text + "\" is no label; one looks like key=value";
}

}  // namespace

CLI::Option* AddLabels(CLI::App* command, std::vector<std::string>* labels,
                       const std::string& help) {
  return command->add_option("--label", *labels, help)
      ->type_name("KEY=VALUE")
      ->check(CheckLabel)
      ->expected(1)
      ->take_all();
}

void PutLabels(const std::vector<std::string>& labels,
               google::protobuf::Map<std::string, std::string>* map) {
  for (const std::string& label : labels) {
    const size_t equals = label.find('=');
    (*map)[label.substr(0, equals)] = label.substr(equals + 1);
  }
}

void AddFilterOptions(CLI::App* command, FilterOptions* options) {
  command
      ->add_option("--state", options->states, "Only tasks in this state; may be given repeatedly")
      ->type_name("STATE")
      ->check(CLI::IsMember(States()))
      ->expected(1)
      ->take_all();
  command->add_option("--handler", options->handler, "Only tasks of this handler");
  command->add_option("--core", options->core, "Only tasks of the core with this CPU number")
      ->check(CLI::Range(int64_t{0}, int64_t{std::numeric_limits<uint32_t>::max()}));
  AddLabels(command, &options->labels,
            "Only tasks with this label; given repeatedly, with all of them");
}

v1::TaskFilter MakeFilter(const FilterOptions& options) {
  v1::TaskFilter filter;
  for (const std::string& state : options.states) filter.add_states(States().at(state));
  filter.set_handler(options.handler);
  if (options.core >= 0) filter.set_core(static_cast<uint32_t>(options.core));
  PutLabels(options.labels, filter.mutable_labels());
  return filter;
}

}  // namespace weft::cli
