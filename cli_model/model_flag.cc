#include "cli_model/model_flag.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <ostream>
#include <string>
#include <vector>

namespace weft {
namespace {

std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string List(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + Quoted(text);
  return out + "]";
}

const char* Truth(bool value) { return value ? "true" : "false"; }

void WriteOption(const CLI::Option& option, std::ostream& out) {
  const bool is_positional = option.get_positional();
  out << "{\"long\": " << List(option.get_lnames()) << ", \"short\": " << List(option.get_snames())
      << ", \"positional\": " << Quoted(is_positional ? option.get_name(true) : "")
      << ", \"takes_value\": " << Truth(option.get_items_expected_max() > 0)
      << ", \"repeats\": " << Truth(option.get_items_expected_max() > 1)
      << ", \"required\": " << Truth(option.get_required())
      << ", \"type\": " << Quoted(option.get_type_name())
      << ", \"default\": " << Quoted(option.get_default_str())
      << ", \"help\": " << Quoted(option.get_description()) << "}";
}

void WriteCommand(const CLI::App& app, std::ostream& out) {
  out << "{\"name\": " << Quoted(app.get_name())
      << ", \"description\": " << Quoted(app.get_description())
      << ", \"needs_command\": " << Truth(app.get_require_subcommand_min() > 0)
      << ", \"help\": " << Quoted(app.help()) << ", \"footer\": " << Quoted(app.get_footer())
      << ",\n\"options\": [";
  const char* separator = "";
  for (const CLI::Option* option : app.get_options()) {
    // What has no group is hidden from --help, and so from here.
    if (option->get_group().empty()) continue;
    out << separator;
    WriteOption(*option, out);
    separator = ",\n";
  }
  out << "],\n\"commands\": [";
  separator = "";
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_group().empty()) continue;
    out << separator;
    WriteCommand(*command, out);
    separator = ",\n";
  }
  out << "]}";
}

}  // namespace

void AddModelFlag(CLI::App* app) {
  const auto write = [app] {
    WriteCommand(*app, std::cout);
    std::cout << std::endl;
    throw CLI::Success();
  };
  // While it is parsed, so that nothing else on the command line is asked for.
  app->add_flag_callback("--cli-model", write)->group("")->configurable(false)->trigger_on_parse();
}

}  // namespace weft
