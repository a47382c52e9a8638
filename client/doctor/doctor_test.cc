#include "client/doctor/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "client/doctor/fixture_tree.h"
#include "client/doctor/listener.h"

// Proves that every check is made once, also where the machine tells nothing.
namespace weft::doctor {
namespace {

using testing::IsSupersetOf;

TEST(Examine, MakesEveryCheckAndNamesAFixForEachFault) {
  const FixtureTree empty;
  Listener free_port;
  free_port.Close();
  DoctorOptions options;
  options.target = free_port.address();
  options.is_target_asked_for = true;
  options.web = free_port.address();
  const std::vector<Check> checks = Examine(empty.root(), options);
  std::set<std::string> names;
  for (const Check& check : checks) {
    EXPECT_TRUE(names.insert(check.name).second) << check.name << " was judged twice";
    EXPECT_FALSE(check.found.empty()) << check.name;
    EXPECT_EQ(check.fix.empty(), check.level == Level::kOk) << check.name << ": " << check.fix;
  }
  EXPECT_THAT(names,
              IsSupersetOf({"kernel", "io_uring", "allowed CPUs", "CPU quota", "memory limit",
                            "locked memory", "open files", "realtime", "memory locks",
                            "CPU governor", "SMT", "huge pages", "clock", "wake-up", "hand-over",
                            "steal time", "gRPC address", "web address"}));
}

}  // namespace
}  // namespace weft::doctor
