#include <fstream>
#include <iostream>
#include <string>

#include "config/reference.h"

// weft_config_reference ROOT: writes the files that are made from the rows into the tree at ROOT.
int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: weft_config_reference ROOT\n";
    return 64;
  }
  const std::string root = argv[1];
  const auto write = [&root](const std::string& name, const std::string& text) {
    std::ofstream file(root + "/" + name, std::ios::binary);
    file << text;
    file.close();
    if (!file.good()) std::cerr << root << "/" << name << " cannot be written\n";
    return file.good();
  };
  const bool is_written = write("config/weftd.toml", weft::SampleConfig()) &&
                          write("docs/configuration.md", weft::ConfigurationPage()) &&
                          write("docs/man/weftd.toml.5", weft::ConfigurationManPage());
  return is_written ? 0 : 1;
}
