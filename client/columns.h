#pragma once

#include <cstddef>
#include <functional>

#include "weft/v1/task_service.pb.h"

namespace weft {

// The two forms of a batch in StreamTasks, rows and columns (weft/v1/task_service.proto), made into
// each other, so that whoever uses a stream sees only rows. Pure functions, any thread.

// Fewer tasks than these cost less as rows.
inline constexpr int kFewestColumns = 8;

// Makes the request's rows columns. False, and it is as it was: it has none, or columns have no
// place for all that the tasks say.
bool MakeColumns(v1::StreamTasksRequest* request);
// The same, if it is worth it.
void PreferColumns(v1::StreamTasksRequest* request);

// Whether each column has an entry for each task, or none, and the outputs are as long as they say:
// only then may the columns be read.
bool IsWellFormed(const v1::ResultColumns& columns);

// Task `index` of well-formed columns, whole; output_begin: where its output begins, that is, how
// long those before are together. *result is written over.
void ReadColumns(const v1::ResultColumns& columns, int index, size_t output_begin,
                 v1::TaskResult* result);

// Each result of well-formed columns, in turn.
void ForEachResult(const v1::ResultColumns& columns,
                   const std::function<void(v1::TaskResult&& result)>& take);

}  // namespace weft
