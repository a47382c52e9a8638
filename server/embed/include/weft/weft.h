/* The C interface of libweft: an executor in a program's own loop, and tasks with stacks of their
 * own that may be suspended anywhere.
 *
 * Versions: WEFT_ABI_VERSION grows when something is added; what is there keeps its meaning.
 * Structs that are handed in begin with their size, so that an older program works with a newer
 * library; all zero is valid and means the defaults.
 *
 * Results: every call answers a weft_result by value: a code, a value, and a message for people.
 * It owns nothing and needs no freeing.
 *
 * Threads: an executor belongs to the thread that made it, which alone runs and destroys it.
 * Calls that say "any thread" may be made by any. A task's own calls (those with a context) are
 * made on its stack, while it runs.
 *
 * Cost: "cheap" means no allocation but for the text of an error, no system call and no lock that
 * anybody holds for longer than a few stores, at most a few hundred nanoseconds; "expensive" the
 * rest. */
#ifndef WEFT_WEFT_H
#define WEFT_WEFT_H

#include <stdint.h>
#include <time.h>

#include "weft/result.h"

#if defined(__GNUC__)
#define WEFT_API __attribute__((visibility("default")))
#else
#define WEFT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define WEFT_ABI_VERSION 2

struct timespec; /* Of <time.h>, which does not tell everybody. */
typedef struct weft_executor weft_executor;
typedef struct weft_task weft_task;
/* What a task's code gets, of itself: valid until that returns, on its executor's thread only. */
typedef struct weft_context weft_context;

enum weft_priority { WEFT_PRIORITY_NORMAL = 0, WEFT_PRIORITY_HIGH = 1, WEFT_PRIORITY_LOW = 2 };
enum weft_io_backend { WEFT_IO_AUTO = 0, WEFT_IO_URING = 1, WEFT_IO_THREADS = 2 };
enum weft_idle { WEFT_IDLE_ADAPTIVE = 0, WEFT_IDLE_SPIN = 1, WEFT_IDLE_SLEEP = 2 };

/* Of every number 0 means the default. */
typedef struct weft_executor_attr {
  uint32_t size;         /* sizeof(weft_executor_attr), or 0. */
  uint32_t tasks;        /* Attached at once from its own thread, 1 to 1000000; 1024. */
  uint32_t remote_tasks; /* The same from other threads; 1024. */
  uint32_t stacks;       /* Started and suspended at once, 1 to 1000000; 256. */
  uint64_t stack_bytes;  /* Of each, 16384 to 67108864; 65536. */
  uint32_t io_backend;   /* enum weft_io_backend. */
  uint32_t ring_entries; /* File operations under way at once, 8 to 4096; 256. */
  uint32_t io_threads;   /* Of the threads backend, 1 to 256; 4. */
  uint32_t idle;         /* enum weft_idle: what a run does that has to wait. */
} weft_executor_attr;

/* A task's code. What it answers is the result of the task. */
typedef weft_result (*weft_task_code)(weft_context* context, void* user);

typedef struct weft_task_attr {
  uint32_t size;         /* sizeof(weft_task_attr), or 0. */
  uint32_t cpu_priority; /* enum weft_priority: which ready task runs first. */
  uint32_t io_priority;  /* The same for its file operations. */
  uint32_t reserved;
  weft_task_code code; /* Must be set before the task is attached. */
  void* user;          /* Handed to the code; stays the program's. */
} weft_task_attr;

/* When a task did what, last time it was attached: of the processor's time stamp counter, and in
 * nanoseconds of a clock without a known zero. 0: it has not. */
typedef struct weft_task_times {
  uint64_t size; /* sizeof(weft_task_times), or 0; set to how much the library told. */
  uint64_t ticks_attached;
  uint64_t ticks_begun;
  uint64_t ticks_suspended; /* Last. */
  uint64_t ticks_resumed;   /* Last. */
  uint64_t ticks_done;
  uint64_t ticks_executing; /* A duration: between begin and done, suspensions left out. */
  int64_t ns_attached;
  int64_t ns_begun;
  int64_t ns_suspended;
  int64_t ns_resumed;
  int64_t ns_done;
  int64_t ns_executing;
} weft_task_times;

/* Any thread, cheap. WEFT_ABI_VERSION of the library; its version as text. */
WEFT_API uint32_t weft_abi_version(void);
WEFT_API const char* weft_version(void);

/* ---- Executors ------------------------------------------------------------------------------- */

/* Expensive: allocates all that the bounds ask for. attr may be NULL. The executor is the
 * caller's, until weft_executor_destroy. */
WEFT_API weft_result weft_executor_create(weft_executor** executor, const weft_executor_attr* attr);

/* Its own thread, expensive. WEFT_BUSY, value: so many tasks have not ended; nothing happened. */
WEFT_API weft_result weft_executor_destroy(weft_executor* executor);

/* Its own thread, cheap but for the waiting. Does at most max_items starts and resumptions of
 * tasks; value: how many. With nothing to do it waits until there is: for ever when timeout is
 * NULL, not at all when it is zero. */
WEFT_API weft_result weft_executor_run(weft_executor* executor, uint64_t max_items,
                                       const struct timespec* timeout);

/* Any thread. Ends a wait of weft_executor_run, or the next one. Cheap, but for the system call
 * that wakes a thread which sleeps. */
WEFT_API weft_result weft_executor_wake(weft_executor* executor);

/* Its own thread, expensive. Cancels every task and runs until none is left, or the time has
 * passed; value: how many are left then. It may be called again; what is attached afterwards never
 * begins. */
WEFT_API weft_result weft_executor_quiesce(weft_executor* executor, uint64_t timeout_ns);

/* Any thread, cheap. value: tasks attached that have not ended. */
WEFT_API weft_result weft_executor_live(weft_executor* executor);

/* ---- Tasks ----------------------------------------------------------------------------------- */

/* Any thread, expensive. attr may be NULL, and is copied. The task is the caller's, until
 * weft_task_destroy; one thread at a time uses it, but for weft_task_cancel and weft_task_is_done.
 * Its own code may ask for those and for weft_task_result; each waits for a weft_task_attach of the
 * task that is still under way on another thread. */
WEFT_API weft_result weft_task_create(weft_task** task, const weft_task_attr* attr);

/* Expensive. WEFT_BUSY while it is attached and has not ended. */
WEFT_API weft_result weft_task_destroy(weft_task* task);

/* Changes what the task is; not while it is attached and has not ended. Cheap. */
WEFT_API weft_result weft_task_set(weft_task* task, const weft_task_attr* attr);

/* Any thread: has the executor run the task, once. Cheap on the executor's thread while
 * no more tasks than its attributes say are attached, or have ended and are not destroyed or
 * attached anew; else, and from another thread, it allocates, and from there takes a message. A
 * task that has ended may be attached again, there or elsewhere. The executor must not go before
 * the task has ended. */
WEFT_API weft_result weft_task_attach(weft_executor* executor, weft_task* task);

/* Any thread, while the task is not destroyed meanwhile; cheap, but for the system call that wakes
 * an executor which sleeps. Asks it to stop: one that waits goes on with
 * WEFT_CANCELLED, one that has not begun never does. value: 1 if it had not ended, else 0. */
WEFT_API weft_result weft_task_cancel(weft_task* task);

/* Any thread, while the task is not destroyed meanwhile; cheap. value: 1 if it was attached and has
 * ended, else 0. */
WEFT_API weft_result weft_task_is_done(weft_task* task);

/* What the task's code answered. WEFT_BUSY or WEFT_NOT_ATTACHED; WEFT_CANCELLED when it never
 * began; WEFT_STOPPED; WEFT_TASK_FAILED. Cheap. */
WEFT_API weft_result weft_task_result(weft_task* task);

/* As far as it got; of a task that has ended, or of a task's own. Cheap. */
WEFT_API weft_result weft_task_get_times(weft_task* task, weft_task_times* times);

/* ---- From within a task ---------------------------------------------------------------------- */

/* All but the first three suspend the task: others run meanwhile. WEFT_CANCELLED when it was
 * asked to stop: it should then clean up and return. Cheap, what the system does aside. */

/* The task whose context it is; NULL when the context is. */
WEFT_API weft_task* weft_context_task(weft_context* context);
/* value: 1 if the task was asked to stop, else 0. */
WEFT_API weft_result weft_should_stop(weft_context* context);
/* value: now, in nanoseconds, on the clock of weft_task_times. */
WEFT_API weft_result weft_now(weft_context* context);

/* Lets the other ready tasks of its priority and above go first. */
WEFT_API weft_result weft_yield(weft_context* context);
/* For at least that long. */
WEFT_API weft_result weft_suspend_for_duration(weft_context* context, uint64_t nanoseconds);
/* Since version 2. Until that time of CLOCK_BOOTTIME, which goes on while the machine is suspended;
 * after a suspension it may be late by half a second, as often as which it looks: each look is an
 * item of weft_executor_run. */
WEFT_API weft_result weft_suspend_until_boot_time(weft_context* context, uint64_t nanoseconds);
/* Until another task, of whatever executor, has ended; value and code: its result. WEFT_TIMED_OUT
 * after timeout_ns, unless that is UINT64_MAX. WEFT_BUSY if that task is this one, or if another
 * waits for it already. */
WEFT_API weft_result weft_await_task(weft_context* context, weft_task* task, uint64_t timeout_ns);

/* File operations through the executor's ring: value is the number of bytes. WEFT_IO_ERROR with
 * the errno in value. A read fills the buffer unless the file ends before; a write writes all. */
WEFT_API weft_result weft_read(weft_context* context, int descriptor, void* buffer, uint64_t bytes,
                               uint64_t offset);
WEFT_API weft_result weft_write(weft_context* context, int descriptor, const void* buffer,
                                uint64_t bytes, uint64_t offset);
WEFT_API weft_result weft_fsync(weft_context* context, int descriptor);

#ifdef __cplusplus
}
#endif

#endif /* WEFT_WEFT_H */
