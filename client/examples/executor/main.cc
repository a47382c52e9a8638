// Tasks that spawn, join and wait for one another, in a loop of the program's own.
//
// g++ -std=c++20 main.cc $(pkg-config --cflags --libs weft) -o main
#include <embed/turned_executor.h>

#include <iostream>

// Three at a time; a task that waits is suspended, and costs no thread.
int SumOfSlowTasks(weft::TaskContext& context) {
  weft::Semaphore semaphore(context.host(), 3);
  std::vector<weft::JoinHandle<int>> handles;
  for (int i = 1; i <= 8; ++i) {
    auto handle = weft::SpawnBounded(context, semaphore, context.host(), [i](auto& inner) {
      inner.SleepFor(1'000'000);
      return i;
    });
    if (handle.ok()) handles.push_back(*std::move(handle));
  }
  int sum = 0;
  for (auto& handle : handles) sum += handle.Join(context).value_or(0);
  return sum;
}

int main() {
  auto executor = weft::TurnedExecutor::Make();
  if (!executor.ok()) {
    std::cerr << executor.status().message() << "\n";
    return 1;
  }
  const auto sum = (*executor)->BlockOn(&SumOfSlowTasks);
  if (!sum.ok()) {
    std::cerr << sum.status().message() << "\n";
    return 1;
  }
  std::cout << "sum " << *sum << "\n";
  return (*executor)->Quiesce(1'000'000'000)->is_none() ? 0 : 1;
}
