#include "rpc/library_lines.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include <mutex>
#include <string>
#include <utility>

namespace weft {
namespace {

using Severity = LibraryLine::Severity;

// The libraries take plain functions, and threads of gRPC outlive most of what there is.
struct Passing {
  std::mutex mutex;
  std::function<void(const LibraryLine&)> sink;
};
Passing& passing() {
  static Passing* const forever = new Passing();
  return *forever;
}

void Pass(Severity severity, std::string_view library, std::string_view text) {
  const std::lock_guard lock(passing().mutex);
  if (passing().sink) passing().sink({severity, library, text});
}

void FromGrpc(gpr_log_func_args* line) {
  Severity severity = Severity::kError;
  if (line->severity == GPR_LOG_SEVERITY_INFO) severity = Severity::kInfo;
  if (line->severity == GPR_LOG_SEVERITY_DEBUG) severity = Severity::kDebug;
  Pass(severity, "grpc", line->message);
}

void FromProtobuf(google::protobuf::LogLevel level, const char* /*file*/, int /*line*/,
                  const std::string& text) {
  Severity severity = Severity::kError;
  if (level == google::protobuf::LOGLEVEL_INFO) severity = Severity::kInfo;
  if (level == google::protobuf::LOGLEVEL_WARNING) severity = Severity::kWarning;
  Pass(severity, "protobuf", text);
}

}  // namespace

void PassLibraryLines(std::function<void(const LibraryLine&)> sink) {
  {
    const std::lock_guard lock(passing().mutex);
    passing().sink = std::move(sink);
  }
  gpr_set_log_function(&FromGrpc);
  google::protobuf::SetLogHandler(&FromProtobuf);
}

}  // namespace weft
