// Follows an #include of each installed header: see packages.sh.
#include <cstdio>

int main() {
  int ways = 0;
  const auto group = *weft::CoreGroup::Start();
  ways += *weft::BlockOn(**group->CoreAt(0), [] { return 1; });
  weft::CoreExecutor cores(*group);
  weft::AsioExecutor asio;
  weft::ExecutorRegistry registry;
  registry.Register(cores);
  for (weft::Executor* const executor :
       {&registry.Current(), static_cast<weft::Executor*>(&asio)}) {
    weft::FunctionBody body([&] { ++ways; });
    executor->BlockOn(body);
  }
  const auto turned = *weft::TurnedExecutor::Make();
  ways += *turned->BlockOn([] { return 1; });
  std::printf("%d ways in\n", ways);
}
