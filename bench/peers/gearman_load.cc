#include <libgearman/gearman.h>
#include <unistd.h>

#include <string>

#include "bench/peers/peer_load.h"

// The client has so many tasks run at once, and begins again when all are answered: libgearman
// has no other way to keep many under way on one connection.
namespace weft {
namespace {

constexpr char kFunction[] = "weft_bench";

void Check(gearman_return_t status, const char* what) {
  if (gearman_failed(status)) {
    Fail(std::string("gearman: ") + what + ": " + gearman_strerror(status));
  }
}

}  // namespace

PeerCount RunGearmanClient(const PeerOptions& options) {
  gearman_client_st* const client = gearman_client_create(nullptr);
  Check(
      gearman_client_add_server(client, options.host.c_str(), static_cast<in_port_t>(options.port)),
      "server");
  gearman_client_add_options(client, GEARMAN_CLIENT_FREE_TASKS);
  uint64_t answered = 0;
  gearman_client_set_context(client, &answered);
  gearman_client_set_complete_fn(client, [](gearman_task_st* task) {
    auto* const count = static_cast<uint64_t*>(gearman_task_context(task));
    ++*count;
    return GEARMAN_SUCCESS;
  });
  const double begin = NowS();
  while (NowS() - begin < options.duration_s) {
    for (size_t i = 0; i < options.outstanding; ++i) {
      gearman_return_t status = GEARMAN_SUCCESS;
      gearman_client_add_task(client, nullptr, &answered, kFunction, nullptr, "x", 1, &status);
      Check(status, "task");
    }
    Check(gearman_client_run_tasks(client), "run");
  }
  return {.tasks = answered, .seconds = NowS() - begin};
}

void RunGearmanWorker(const PeerOptions& options) {
  gearman_worker_st* const worker = gearman_worker_create(nullptr);
  Check(
      gearman_worker_add_server(worker, options.host.c_str(), static_cast<in_port_t>(options.port)),
      "server");
  Check(gearman_worker_add_function(
            worker, kFunction, 0,
            [](gearman_job_st*, void*, size_t* size, gearman_return_t* status) -> void* {
              *size = 0;
              *status = GEARMAN_SUCCESS;
              return nullptr;
            },
            nullptr),
        "function");
  gearman_return_t status = GEARMAN_SUCCESS;
  while (gearman_success(status)) status = gearman_worker_work(worker);
  Fail(std::string("gearman: ") + gearman_worker_error(worker));
}

}  // namespace weft
