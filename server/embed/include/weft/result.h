/* What every call of weft.h answers. */
#ifndef WEFT_RESULT_H
#define WEFT_RESULT_H

#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

enum weft_code {
  WEFT_OK = 0,
  WEFT_NULL_EXECUTOR = 1,    /* The executor is NULL. */
  WEFT_NULL_TASK = 2,        /* The task is NULL. */
  WEFT_NULL_CONTEXT = 3,     /* The context is NULL. */
  WEFT_FOREIGN_CONTEXT = 4,  /* The context is of a task that does not run on this thread. */
  WEFT_INVALID_ARGUMENT = 5, /* The message names it, its value and what is right. */
  WEFT_WRONG_THREAD = 6,     /* Only the thread that made the executor, and not one of its tasks. */
  WEFT_BUSY = 7,         /* The task is attached and has not ended; so many are, of an executor. */
  WEFT_NOT_ATTACHED = 8, /* The task has not been attached. */
  WEFT_OUT_OF_RESOURCES = 9, /* A bound of the executor is reached. */
  WEFT_STOPPED = 10,         /* The executor went before the task had ended. */
  WEFT_CANCELLED = 11,       /* The task was asked to stop. */
  WEFT_TIMED_OUT = 12,       /* The time given passed. */
  WEFT_NOT_SUPPORTED = 13,   /* The executor cannot do that. */
  WEFT_IO_ERROR = 14,        /* The system refused; value is its errno. */
  WEFT_TASK_FAILED = 15,     /* The task's code threw a C++ exception; the message is its what(). */
  WEFT_FIRST_OWN = 1000      /* From here on codes are the program's own. */
};

typedef struct weft_result {
  int32_t code; /* enum weft_code, or the program's own. */
  int32_t reserved;
  int64_t value;     /* As each call says; of an error mostly 0. */
  char message[112]; /* Ends with a zero byte; empty when there is nothing to say. */
} weft_result;

static inline weft_result weft_success(int64_t value) {
  weft_result result;
  memset(&result, 0, sizeof(result));
  result.value = value;
  return result;
}
/* The message is cut when it is long. */
static inline weft_result weft_failure(int32_t code, const char* message) {
  weft_result result;
  memset(&result, 0, sizeof(result));
  result.code = code;
  strncpy(result.message, message, sizeof(result.message) - 1);
  return result;
}

#ifdef __cplusplus
}
#endif

#endif /* WEFT_RESULT_H */
