// Files in the tree that are made from the rows of the configuration: what stands there is what
// would be made.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "config/reference.h"

namespace weft {
namespace {

void ExpectFile(const std::string& name, const std::string& made) {
  std::ifstream file(std::string(WEFT_SOURCE_DIR) + "/" + name, std::ios::binary);
  std::ostringstream stands;
  stands << file.rdbuf();
  // Whether, not how: the difference is shown by git once the file was made anew.
  EXPECT_TRUE(file.good() && stands.str() == made)
      << name << " is not what the rows of server/config/rows.cc make of it; make it anew with\n"
      << "  cmake --build --preset dev --target weft_config_reference &&\n"
      << "  build/dev/bin/weft_config_reference .\n";
}

TEST(ReferenceFiles, SampleIsWhatTheRowsMake) { ExpectFile("config/weftd.toml", SampleConfig()); }

TEST(ReferenceFiles, PageIsWhatTheRowsMake) {
  ExpectFile("docs/configuration.md", ConfigurationPage());
}

TEST(ReferenceFiles, ManPageIsWhatTheRowsMake) {
  ExpectFile("docs/man/weftd.toml.5", ConfigurationManPage());
}

}  // namespace
}  // namespace weft
