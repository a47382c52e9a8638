// A word that is no command is named, with the command that was meant.
#include "client/cli/unknown_command.h"

#include <gtest/gtest.h>

namespace weft::cli {
namespace {

std::optional<std::string> AfterParsing(const std::string& line) {
  CLI::App app;
  app.require_subcommand(1);
  app.add_option("--target");
  app.add_subcommand("stats");
  app.add_subcommand("submit")->add_option("handler")->required();
  EXPECT_THROW(app.parse(line), CLI::ParseError) << line;
  return UnknownCommand(app);
}

TEST(UnknownCommand, IsNamedWithTheNearestOne) {
  EXPECT_EQ(AfterParsing("stat"), "unknown command \"stat\"; did you mean \"stats\"?");
  EXPECT_EQ(AfterParsing("sumbit echo"), "unknown command \"sumbit\"; did you mean \"submit\"?");
  EXPECT_EQ(AfterParsing("--target x frob"), "unknown command \"frob\"");
  EXPECT_EQ(AfterParsing("x"), "unknown command \"x\"");
}

TEST(UnknownCommand, IsNotWhatElseIsWrong) {
  EXPECT_EQ(AfterParsing(""), std::nullopt);
  EXPECT_EQ(AfterParsing("--frob"), std::nullopt);
  EXPECT_EQ(AfterParsing("submit"), std::nullopt);
}

}  // namespace
}  // namespace weft::cli
