// The mapping of keys to variables of the environment, and what of the environment is not ours.
#include "config/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <string>

#include "config/schema.h"

namespace weft {
namespace {

TEST(Environment, GivesEveryKeyAVariableOfItsOwn) {
  EXPECT_EQ(VariableOfKey("executor.spin_us"), "WEFT_EXECUTOR_SPIN_US");
  std::set<std::string> seen;
  for (const ConfigRow& row : ConfigRows()) {
    const std::string name = VariableOfKey(row.key);
    EXPECT_TRUE(seen.insert(name).second) << name;
    EXPECT_EQ(KeyOfVariable(name), row.key);
  }
}

TEST(Environment, KnowsNoOtherVariables) {
  for (const char* name : {"WEFT_", "WEFT_EXECUTOR", "EXECUTOR_SPIN_US", "WEFT_EXECUTOR.SPIN_US",
                           "weft_executor_spin_us"}) {
    EXPECT_EQ(KeyOfVariable(name), "") << name;
  }
  EXPECT_EQ(NearestVariable("WEFT_EXECUTOR_SPIN_MS"), "WEFT_EXECUTOR_SPIN_US");
  EXPECT_EQ(NearestVariable("WEFT_DATABASE_URL"), "");
}

TEST(Environment, FindsTheKeyThatWasMeantWithoutItsSection) {
  EXPECT_EQ(NearestVariable("WEFT_SPIN_US"), "WEFT_EXECUTOR_SPIN_US");
  EXPECT_EQ(NearestVariable("WEFT_EXECUTOR_MAX_WAITERS"), "WEFT_LIMITS_MAX_WAITERS");
}

TEST(Environment, KnowsWhatKubernetesSetsForAService) {
  for (const char* name :
       {"WEFT_SERVICE_HOST", "WEFT_WEB_SERVICE_HOST", "WEFT_WEB_SERVICE_PORT",
        "WEFT_WEB_SERVICE_PORT_HTTP", "WEFT_WEB_PORT_7412_TCP", "WEFT_WEB_PORT_7412_TCP_ADDR",
        "WEFT_WEB_PORT_7412_TCP_PORT", "WEFT_WEB_PORT_7412_TCP_PROTO", "WEFT_RPC_PORT_1_UDP"}) {
    EXPECT_TRUE(IsServiceVariable(name, "x")) << name;
  }
  EXPECT_TRUE(IsServiceVariable("WEFT_WEB_PORT", "tcp://10.0.0.1:7412"));
  EXPECT_FALSE(IsServiceVariable("WEFT_WEB_PORT", "7412"));
  for (const char* name : {"WEFT_WEB_PORTS", "WEFT_WEB_PORT_TCP", "WEFT_WEB_PORT_7412",
                           "WEFT_WEB_PORT_7412_TCP_NAME", "WEFT_WEB_SERVICE_PORTS"}) {
    EXPECT_FALSE(IsServiceVariable(name, "x")) << name;
  }
  for (const ConfigRow& row : ConfigRows()) {
    EXPECT_FALSE(IsServiceVariable(VariableOfKey(row.key), "x")) << row.key;
  }
}

TEST(Environment, TellsWhetherASectionIsNamed) {
  EXPECT_TRUE(NamesSection("WEFT_LOG_COLOUR"));
  EXPECT_FALSE(NamesSection("WEFT_LOG"));
  EXPECT_FALSE(NamesSection("WEFT_LOGS_LEVEL"));
  EXPECT_FALSE(NamesSection("WEFT_TARGET"));
}

TEST(Environment, ReadsTheVariablesOfTheProcess) {
  ASSERT_EQ(setenv("WEFT_TEST_ENVIRONMENT", "a=b", 1), 0);
  EXPECT_THAT(WeftVariables(), testing::Contains("WEFT_TEST_ENVIRONMENT=a=b"));
  ASSERT_EQ(unsetenv("WEFT_TEST_ENVIRONMENT"), 0);
  EXPECT_THAT(WeftVariables(), testing::Not(testing::Contains("WEFT_TEST_ENVIRONMENT=a=b")));
}

}  // namespace
}  // namespace weft
