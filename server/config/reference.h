#pragma once

#include <string>

#include "config/loader.h"

// What is written for people out of the rows. All but PrintConfig depends on nothing else, so that
// the files in the tree can be held against it.
namespace weft {

// config/weftd.toml: every key with its help, its default commented out.
std::string SampleConfig();
// docs/configuration.md
std::string ConfigurationPage();
// docs/man/weftd.toml.5, in roff.
std::string ConfigurationManPage();

// Every value that holds, with its origin; TOML again. Secrets are hidden.
std::string PrintConfig(const LoadedConfig& loaded);

}  // namespace weft
