#pragma once

#include <string>
#include <string_view>
#include <vector>

// Keys as variables of the environment: executor.spin_us is WEFT_EXECUTOR_SPIN_US. Pure functions
// but for WeftVariables; any thread.
namespace weft {

// "WEFT_EXECUTOR_SPIN_US" for "executor.spin_us".
std::string VariableOfKey(std::string_view key);

// The key of a variable; empty when there is none.
std::string_view KeyOfVariable(std::string_view name);

// The variable of a key that is most like this one; empty when none is near.
std::string NearestVariable(std::string_view name);

// Whether Kubernetes sets such a variable for a Service, as WEFT_WEB_SERVICE_HOST and
// WEFT_WEB_PORT=tcp://10.0.0.1:7412 for one named weft-web.
bool IsServiceVariable(std::string_view name, std::string_view value);

// Whether the variable begins with WEFT_ and a section, as "WEFT_EXECUTOR_".
bool NamesSection(std::string_view name);

// "NAME=VALUE" of all variables of the process that begin with WEFT_, by name. Not while another
// thread changes the environment.
std::vector<std::string> WeftVariables();

}  // namespace weft
