// Lines of the libraries: in the log's format, and a bounded number of them.
#include "daemon/library_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>

namespace weft {
namespace {

using testing::HasSubstr;

class LibraryLogTest : public testing::Test {
 protected:
  size_t Lines() const {
    const std::string text = out_.str();
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
  }

  std::ostringstream out_;
  Log log_{LogLevel::kInfo, LogFormat::kText,
           std::make_shared<spdlog::sinks::ostream_sink_mt>(out_)};
  int64_t now_ns_ = 0;
  LibraryLog library_log_{log_, [this] { return now_ns_; }};
};

TEST_F(LibraryLogTest, WritesInTheFormatOfTheLog) {
  library_log_.Write(LogLevel::kError, "grpc", "Failed accept4");
  EXPECT_THAT(out_.str(), HasSubstr("error library name=grpc text=\"Failed accept4\" left_out=0"));
}

TEST_F(LibraryLogTest, LeavesOutWhatIsTooMuchAndTellsHowMuch) {
  for (uint64_t i = 0; i < LibraryLog::kMostLines + 7; ++i) {
    library_log_.Write(LogLevel::kError, "grpc", "again");
  }
  EXPECT_EQ(Lines(), LibraryLog::kMostLines);
  now_ns_ = LibraryLog::kWindowNs;
  library_log_.Write(LogLevel::kError, "grpc", "later");
  EXPECT_EQ(Lines(), LibraryLog::kMostLines + 1);
  EXPECT_THAT(out_.str(), HasSubstr("text=later left_out=7"));
  now_ns_ += LibraryLog::kWindowNs;
  library_log_.Write(LogLevel::kError, "grpc", "quiet since");
  EXPECT_THAT(out_.str(), HasSubstr("text=\"quiet since\" left_out=0"));
}

}  // namespace
}  // namespace weft
