#include "config/reference.h"

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "config/environment.h"
#include "config/schema.h"
#include "config/toml_text.h"

namespace weft {
namespace {

constexpr size_t kCommentColumns = 96;
constexpr size_t kOriginColumn = 48;

// What no row says, in every form of the reference.
constexpr const char* kPrecedence[] = {
    "Later ones win: the defaults, the regular file named by --config, the environment, --set.",
    "The variable of a key is WEFT_ and the key in capital letters, its dot an underscore: "
    "WEFT_EXECUTOR_SPIN_US for executor.spin_us. A value there and after --set is written as in "
    "the file, but a string needs no quotes.",
    "A variable that begins with WEFT_ and a section, or is close to the one of a key, and is none "
    "is refused. All others are left alone, such as WEFT_TARGET of the client, and those that "
    "Kubernetes sets for a Service named weft or, as WEFT_WEB_PORT and WEFT_WEB_SERVICE_HOST, "
    "weft-web.",
    "weftd --check-config tells every mistake at once, and warns of what this machine would not "
    "grant: a CPU of executor.cores, the directory of handlers.file_root, the folder of "
    "rpc.unix_socket, what executor.realtime and executor.lock_memory ask for. --print-config "
    "shows each value that holds and where it comes from.",
    "SIGHUP and `weft reload` read file, environment and settings again. Unless all of it is "
    "right, nothing changes. Keys marked live then hold at once, all together; the others hold "
    "from the next start on and are named. Replace the file by renaming a new one over it, so that "
    "it is never read half written.",
};

std::string Name(const ConfigRow& row) {
  return std::string(row.key.substr(row.key.find('.') + 1));
}
std::string Section(const ConfigRow& row) {
  return std::string(row.key.substr(0, row.key.find('.')));
}
const char* Reload(const ConfigRow& row) {
  return row.reload == ConfigReload::kLive ? "live" : "restart";
}

// Breaks the text at spaces so that no line is longer than kCommentColumns.
std::string Wrapped(std::string_view prefix, std::string_view text) {
  std::string out;
  std::string line;
  for (const absl::string_view word :
       absl::StrSplit(absl::string_view(text.data(), text.size()), ' ')) {
    if (!line.empty() && prefix.size() + line.size() + 1 + word.size() > kCommentColumns) {
      absl::StrAppend(&out, std::string(prefix), line, "\n");
      line.clear();
    }
    absl::StrAppend(&line, line.empty() ? "" : " ", word);
  }
  return absl::StrCat(out, std::string(prefix), line, "\n");
}

// Calls begin at the first row of each section, then each for every row.
void ForEachRow(const std::function<void(const std::string&)>& begin,
                const std::function<void(const ConfigRow&)>& each) {
  std::string section;
  for (const ConfigRow& row : ConfigRows()) {
    if (Section(row) != section) begin(section = Section(row));
    each(row);
  }
}

// In roff a line must not begin with a dot or an apostrophe, and a dash is a hyphen.
std::string Roff(std::string_view text) {
  std::string out = absl::StrReplaceAll(absl::string_view(text.data(), text.size()),
                                        {{"\\", "\\e"}, {"-", "\\-"}});
  if (!out.empty() && (out[0] == '.' || out[0] == '\'')) out = "\\&" + out;
  return out;
}

}  // namespace

std::string SampleConfig() {
  std::string out =
      "# The configuration of weftd: every key, with its default commented out.\n"
      "# Made by `weftd --print-default-config`.\n#\n";
  for (const char* const text : kPrecedence) absl::StrAppend(&out, Wrapped("# ", text));
  ForEachRow([&out](const std::string& section) { absl::StrAppend(&out, "\n[", section, "]\n"); },
             [&out](const ConfigRow& row) {
               absl::StrAppend(&out, "\n", Wrapped("# ", row.help),
                               Wrapped("# ", absl::StrCat("Takes ", DescribeExpected(row), "; ",
                                                          Reload(row), ".")),
                               "#", Name(row), " = ", std::string(row.default_toml), "\n");
             });
  return out;
}

std::string ConfigurationPage() {
  std::string out =
      "# Configuration of weftd\n\nMade from the rows of `server/config/rows.cc` by "
      "`weft_config_reference`.\n";
  for (const char* const text : kPrecedence) absl::StrAppend(&out, "\n", text, "\n");
  ForEachRow(
      [&out](const std::string& section) {
        absl::StrAppend(
            &out, "\n## [", section,
            "]\n\n| key | takes | default | reload | meaning |\n|---|---|---|---|---|\n");
      },
      [&out](const ConfigRow& row) {
        absl::StrAppend(&out, "| `", std::string(row.key), "` | ", DescribeExpected(row), " | `",
                        std::string(row.default_toml), "` | ", Reload(row), " | ",
                        std::string(row.help), " |\n");
      });
  return out;
}

std::string ConfigurationManPage() {
  std::string out =
      ".\\\" Made from the rows of server/config/rows.cc by weft_config_reference.\n"
      ".TH WEFTD.TOML 5 \"\" weft \"File formats\"\n"
      ".SH NAME\nweftd.toml \\- configuration of weftd\n"
      ".SH DESCRIPTION\nTOML. Every key may be left out.\n";
  for (const char* const text : kPrecedence) absl::StrAppend(&out, ".PP\n", Roff(text), "\n");
  ForEachRow([&out](const std::string& section) { absl::StrAppend(&out, ".SH [", section, "]\n"); },
             [&out](const ConfigRow& row) {
               absl::StrAppend(&out, ".TP\n.B ", Roff(Name(row)), "\n", Roff(row.help), "\n.br\n",
                               Roff(DescribeExpected(row)),
                               ".\n.br\nDefault: ", Roff(row.default_toml), " (", Reload(row), "; ",
                               VariableOfKey(row.key), ")\n");
             });
  absl::StrAppend(&out, ".SH SEE ALSO\n.BR weftd (8),\n.BR weft (1)\n");
  return out;
}

std::string PrintConfig(const LoadedConfig& loaded) {
  std::string out = "# What holds, and where it comes from.\n";
  size_t place = 0;
  ForEachRow([&out](const std::string& section) { absl::StrAppend(&out, "\n[", section, "]\n"); },
             [&](const ConfigRow& row) {
               const ConfigEntry& entry = loaded.entries[place++];
               std::string line = absl::StrCat(Name(row), " = ", ToShownToml(row, entry.value));
               if (line.size() < kOriginColumn) line.resize(kOriginColumn, ' ');
               absl::StrAppend(&out, line, " # ", entry.origin, "\n");
             });
  return out;
}

}  // namespace weft
