// What the libraries say reaches the sink of the day, and no other.
#include "rpc/library_lines.h"

#include <gmock/gmock.h>
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weft {
namespace {

using testing::ElementsAre;

TEST(LibraryLines, ReachTheSinkUntilThereIsAnother) {
  // As gRPC itself sets it when it is used first.
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
  std::vector<std::string> lines;
  PassLibraryLines([&lines](const LibraryLine& line) {
    const bool is_error = line.severity == LibraryLine::Severity::kError;
    lines.push_back(std::string(line.library) + (is_error ? " error: " : ": ") +
                    std::string(line.text));
  });
  gpr_log(GPR_ERROR, "Failed %s", "accept4");
  GOOGLE_LOG(WARNING) << "invalid UTF-8";
  PassLibraryLines({});
  gpr_log(GPR_ERROR, "nobody hears");
  EXPECT_THAT(lines, ElementsAre("grpc error: Failed accept4", "protobuf: invalid UTF-8"));
}

}  // namespace
}  // namespace weft
