// Names are looked up by threads of their own; a lookup that hangs neither holds up its asker's
// cancel nor touches anything of it afterwards; and what waits behind it is served or withdrawn.
// The lookup is the test's.
#include "sys/name_resolver.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <memory>
#include <string>
#include <thread>

#include "sys/io_pool.h"

namespace weft::sys {
namespace {

class NameResolverTest : public testing::Test {
 protected:
  void SetUp() override {
    pool_ = *IoPool::Start(0, {});
    resolver_ = *NameResolver::Start({}, [this](NameLookup* lookup) { return LookUp(lookup); });
    seat_ = std::make_unique<PoolSeat>(*pool_);
  }
  void TearDown() override {
    is_open_ = true;
    is_open_.notify_all();
    resolver_.reset();
  }

  int64_t LookUp(NameLookup* lookup) {
    ++begun_;
    begun_.notify_all();
    if (lookup->host == "hangs") is_open_.wait(false);
    if (lookup->host == "missing") return -ENOENT;
    lookup->addresses = {*NetAddress::ParseIp("192.0.2.1", lookup->port)};
    return 0;
  }
  void AwaitBegun(int count) {
    for (int begun = begun_; begun < count; begun = begun_) begun_.wait(begun);
  }
  IoOperation* Next() {
    while (!seat_->has_finished()) std::this_thread::yield();
    return seat_->TakeAll();
  }

  std::atomic<int> begun_{0};
  std::atomic<bool> is_open_{false};
  std::unique_ptr<IoPool> pool_;
  std::unique_ptr<NameResolver> resolver_;
  std::unique_ptr<PoolSeat> seat_;
};

struct Asking {
  explicit Asking(std::string host) : lookup{.host = std::move(host), .port = 80} {
    operation.kind = IoKind::kResolve;
    operation.lookup = &lookup;
  }
  NameLookup lookup;
  IoOperation operation;
};

TEST_F(NameResolverTest, GivesBackAddressesAndErrors) {
  Asking good("good");
  resolver_->Add(&good.operation, seat_.get());
  EXPECT_EQ(Next(), &good.operation);
  EXPECT_EQ(good.operation.result, 0);
  ASSERT_EQ(good.lookup.addresses.size(), 1u);
  EXPECT_EQ(good.lookup.addresses[0].Text(), "192.0.2.1:80");
  Asking missing("missing");
  resolver_->Add(&missing.operation, seat_.get());
  EXPECT_EQ(Next(), &missing.operation);
  EXPECT_EQ(missing.operation.result, -ENOENT);
}

TEST_F(NameResolverTest, ACancelWaitsForNoNameServer) {
  auto hanging = std::make_unique<Asking>("hangs");
  resolver_->Add(&hanging->operation, seat_.get());
  AwaitBegun(1);
  EXPECT_TRUE(resolver_->Withdraw(&hanging->operation));
  EXPECT_FALSE(resolver_->Withdraw(&hanging->operation)) << "once";
  hanging.reset();  // ASan sees whoever touches it.
  is_open_ = true;
  is_open_.notify_all();
  // The threads go on, and the answer was dropped.
  for (size_t i = 0; i < NameResolver::kThreads + 1; ++i) {
    Asking good("good");
    resolver_->Add(&good.operation, seat_.get());
    EXPECT_EQ(Next(), &good.operation);
  }
  EXPECT_FALSE(seat_->has_finished());
}

TEST_F(NameResolverTest, WithdrawsWhatWaitsBehindLookupsThatHang) {
  std::array<Asking, NameResolver::kThreads> hanging = {Asking("hangs"), Asking("hangs")};
  for (Asking& asking : hanging) {
    asking.operation.lookup = &asking.lookup;
    resolver_->Add(&asking.operation, seat_.get());
  }
  AwaitBegun(static_cast<int>(NameResolver::kThreads));
  Asking waiting("good");
  resolver_->Add(&waiting.operation, seat_.get());
  EXPECT_TRUE(resolver_->Withdraw(&waiting.operation));
  EXPECT_FALSE(seat_->has_finished());
  for (Asking& asking : hanging) EXPECT_TRUE(resolver_->Withdraw(&asking.operation));
}

TEST_F(NameResolverTest, AReleaseForgetsWhatIsUnderWay) {
  auto hanging = std::make_unique<Asking>("hangs");
  resolver_->Add(&hanging->operation, seat_.get());
  AwaitBegun(1);
  auto waiting = std::make_unique<Asking>("hangs");
  resolver_->Add(&waiting->operation, seat_.get());
  AwaitBegun(2);
  auto queued = std::make_unique<Asking>("good");
  resolver_->Add(&queued->operation, seat_.get());
  resolver_->Release(seat_.get());
  hanging.reset();
  waiting.reset();
  queued.reset();
  seat_.reset();
}

TEST(LookUpName, AsksTheSystem) {
  NameLookup lookup = {.host = "localhost", .port = 7};
  EXPECT_EQ(LookUpName(&lookup), 0);
  ASSERT_FALSE(lookup.addresses.empty());
  EXPECT_EQ(lookup.addresses[0].port(), 7);
  // Not a name that anybody could have registered, nor one that could be asked for.
  lookup.host = "no such name";
  EXPECT_LT(LookUpName(&lookup), 0);
  EXPECT_TRUE(lookup.addresses.empty());
}

}  // namespace
}  // namespace weft::sys
