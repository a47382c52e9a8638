#pragma once

#include <ostream>
#include <string>

#include "client/bench_engine.h"

// How `weft bench` tells what it measured.
namespace weft::cli {

void WriteBenchReport(const BenchOptions& options, const std::string& mode,
                      const BenchReport& report, std::ostream& out);

// One object; counts are strings as in protobuf's mapping, latencies integers in ns.
void WriteBenchJson(const BenchOptions& options, const std::string& mode, const BenchReport& report,
                    std::ostream& out);

// kExitOk when every task got its result or its refusal, and at least one its result; what was
// refused or lost decides otherwise.
[[nodiscard]] int BenchExitCode(const BenchReport& report);

}  // namespace weft::cli
