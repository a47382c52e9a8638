// Values that are right by themselves and wrong together.
#include "config/cross_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "config/loader.h"

namespace weft {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::string Refusal(const std::string& toml, const std::vector<std::string>& settings = {}) {
  return std::string(ParseConfig({"weftd.toml", toml}, {.settings = settings}).status().message());
}

TEST(CrossCheck, HoldsBoundsAgainstEachOther) {
  EXPECT_THAT(Refusal("[limits]\nmax_in_flight_bytes = 1000\n"),
              AllOf(StartsWith("weftd.toml:2:23: limits.max_in_flight_bytes: 1000 is not right"),
                    HasSubstr("limits.max_payload_bytes, 4194304")));
}

TEST(CrossCheck, RefusesADaemonThatNobodyCouldReach) {
  EXPECT_THAT(Refusal("", {"rpc.listen=[]", "rpc.unix_socket="}),
              AllOf(StartsWith("--set: rpc.listen: [] is not right"), HasSubstr("nobody could")));
}

TEST(CrossCheck, RefusesOneCpuTwiceAndMoreWorkersThanCores) {
  EXPECT_THAT(Refusal("", {"executor.cores=[0, 1, 0]"}), HasSubstr("CPU 0 is named twice"));
  EXPECT_THAT(Refusal("", {"executor.cores=[\"n1:2\", \"p0\", \"n1:2\"]"}),
              HasSubstr("CPU n1:2 is named twice"));
  EXPECT_THAT(Refusal("", {"executor.cores=[\"p0\", \"p0\"]"}), HasSubstr(" p0 is named twice"));
  EXPECT_THAT(Refusal("", {"executor.cores=[0, 1]", "executor.worker_threads=3"}),
              StartsWith("--set: executor.worker_threads: 3 is not right, expected at most 2"));
}

TEST(CrossCheck, RefusesAddressesBeyondLoopbackUnlessInsecure) {
  EXPECT_THAT(Refusal("rpc.listen = [\"0.0.0.0:7411\"]\nweb.listen = \"[::]:1\"\n"),
              AllOf(StartsWith("weftd.toml:1:14: rpc.listen: [\"0.0.0.0:7411\"] is not right"),
                    HasSubstr("\nweftd.toml:2:14: web.listen: \"[::]:1\" is not right"),
                    HasSubstr("security.insecure = true")));
  EXPECT_EQ(Refusal("rpc.listen = \"0.0.0.0:7411\"\nsecurity.insecure = true\n"), "");
}

TEST(CrossCheck, RefusesOneAddressTwiceButTakesManyFreePorts) {
  EXPECT_THAT(Refusal("", {"web.listen=127.0.0.1:7411"}), HasSubstr("named twice"));
  EXPECT_EQ(Refusal("", {"web.listen=127.0.0.1:0", "rpc.listen=127.0.0.1:0"}), "");
}

}  // namespace
}  // namespace weft
