#pragma once

#include "weft/v1/task_service.grpc.pb.h"

namespace weft {

// TaskService without gRPC's sync and callback APIs. WaitTask is raw so that many waiters of one
// task share one serialisation of its result; StreamTasks is raw because gRPC tells a message that
// cannot be parsed as if the client had sent its last, WatchTasks because its events are encoded as
// they happen.
using TaskGrpc = v1::TaskService::WithAsyncMethod_RunTask<
    v1::TaskService::WithAsyncMethod_SubmitTask<v1::TaskService::WithAsyncMethod_SubmitTasks<
        v1::TaskService::WithAsyncMethod_ListTasks<v1::TaskService::WithRawMethod_WatchTasks<
            v1::TaskService::WithRawMethod_WaitTask<v1::TaskService::WithAsyncMethod_GetTask<
                v1::TaskService::WithAsyncMethod_CancelTask<
                    v1::TaskService::WithRawMethod_StreamTasks<v1::TaskService::Service>>>>>>>>>;

}  // namespace weft
