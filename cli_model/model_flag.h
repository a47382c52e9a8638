#pragma once

namespace CLI {
class App;
}

namespace weft {

// Adds the hidden flag --cli-model: the program then writes all commands and options that the
// application has by the time it parses, as JSON, and ends with success. The manual pages and the
// shell completions are made from it (deploy/manual/generate.py), so that they say what --help
// says. Main thread only.
void AddModelFlag(CLI::App* app);

}  // namespace weft
