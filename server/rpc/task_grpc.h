#pragma once

#include "weft/v1/task_service.grpc.pb.h"

namespace weft {

// TaskService without gRPC's sync and callback APIs. WaitTask is raw so that many waiters of one
// task share one serialisation of its result.
using TaskGrpc = v1::TaskService::WithAsyncMethod_RunTask<
    v1::TaskService::WithAsyncMethod_SubmitTask<v1::TaskService::WithRawMethod_WaitTask<
        v1::TaskService::WithAsyncMethod_GetTask<v1::TaskService::WithAsyncMethod_CancelTask<
            v1::TaskService::WithAsyncMethod_StreamTasks<v1::TaskService::Service>>>>>>;

}  // namespace weft
