#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace weft {

namespace outcome_internal {

template <class T>
struct Outcome {
  using Result = absl::StatusOr<T>;
};
template <>
struct Outcome<void> {
  using Result = absl::Status;
};
template <>
struct Outcome<absl::Status> {
  using Result = absl::Status;
};
template <class T>
struct Outcome<absl::StatusOr<T>> {
  using Result = absl::StatusOr<T>;
};

}  // namespace outcome_internal

// What waiting for work answers that gives a T, or why there is none: a Status or StatusOr that the
// work itself gives is the answer, too.
template <class T>
using OutcomeOf = typename outcome_internal::Outcome<T>::Result;

}  // namespace weft
