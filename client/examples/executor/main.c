/* One task that waits, in a loop of the program's own.
 *
 * cc main.c $(pkg-config --cflags --libs weft) -o main */
#include <stdio.h>
#include <weft/weft.h>

static weft_result greet(weft_context* context, void* user) {
  /* Others run meanwhile. */
  weft_result waited = weft_suspend_for_duration(context, 1000000);
  if (waited.code != WEFT_OK) return waited;
  printf("hello from %s\n", (const char*)user);
  return weft_success(42);
}

static int check(weft_result result) {
  if (result.code != WEFT_OK) fprintf(stderr, "%d: %s\n", result.code, result.message);
  return result.code == WEFT_OK;
}

int main(void) {
  weft_executor* executor = NULL;
  weft_task* task = NULL;
  weft_task_attr attr = {0};
  attr.code = greet;
  attr.user = "a task";
  if (!check(weft_executor_create(&executor, NULL))) return 1;
  if (!check(weft_task_create(&task, &attr))) return 1;
  if (!check(weft_task_attach(executor, task))) return 1;
  while (!weft_task_is_done(task).value) weft_executor_run(executor, 64, NULL);
  printf("result %lld\n", (long long)weft_task_result(task).value);
  return check(weft_task_destroy(task)) && check(weft_executor_destroy(executor)) ? 0 : 1;
}
