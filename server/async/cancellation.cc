#include "async/cancellation.h"

#include "async/remote_waiter.h"

namespace weft {

// Locks are taken from a parent to its child only, one at a time in Cancel. A child is in its
// parent's list without a reference of it: whoever walks that list takes one, if there still is.
struct CancellationToken::State : std::enable_shared_from_this<State> {
  State() = default;
  ~State() { LeaveParent(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // The line of parents that nobody else holds goes here, one by one: freed through each other they
  // would need a stack as deep as the tree.
  void LeaveParent() {
    std::shared_ptr<State> above = std::move(parent);
    if (above != nullptr) above->RemoveChild(this);
    while (above != nullptr && above.use_count() == 1) {
      std::shared_ptr<State> further = std::move(above->parent);
      if (further != nullptr) further->RemoveChild(above.get());
      above = std::move(further);
    }
  }

  void RemoveChild(State* child) {
    const std::lock_guard lock(mutex);
    if (!child->is_listed) return;
    (child->previous == nullptr ? children : child->previous->next) = child->next;
    if (child->next != nullptr) child->next->previous = child->previous;
    child->is_listed = false;
  }

  // Everything below takes the mutex before. False: it is cancelled.
  bool AddChild(State* child) {
    if (is_cancelled.load(std::memory_order_relaxed)) return false;
    child->next = children;
    if (children != nullptr) children->previous = child;
    children = child;
    child->is_listed = true;
    return true;
  }
  // The children that still are, out of the list.
  void TakeChildren(std::vector<std::shared_ptr<State>>* out) {
    while (children != nullptr) {
      State* const child = children;
      children = child->next;
      child->is_listed = false;
      child->next = nullptr;
      if (children != nullptr) children->previous = nullptr;
      if (std::shared_ptr<State> held = child->weak_from_this().lock()) {
        out->push_back(std::move(held));
      }
    }
  }

  std::mutex mutex;
  std::atomic<bool> is_cancelled{false};
  Listener* listeners = nullptr;
  State* children = nullptr;
  std::shared_ptr<State> parent;  // Of its owner alone, from its making to its end.
  // In the list of the parent, guarded by its mutex.
  State* next = nullptr;
  State* previous = nullptr;
  bool is_listed = false;
};

CancellationToken::CancellationToken() : state_(std::make_shared<State>()) {}

CancellationToken CancellationToken::Child() const {
  CancellationToken child;
  const std::lock_guard lock(state_->mutex);
  if (state_->AddChild(child.state_.get())) {
    child.state_->parent = state_;
  } else {
    child.state_->is_cancelled.store(true, std::memory_order_release);
  }
  return child;
}

DropGuard CancellationToken::Guard() const { return DropGuard(*this); }

bool CancellationToken::is_cancelled() const {
  return state_->is_cancelled.load(std::memory_order_acquire);
}

void CancellationToken::Cancel() const {
  std::vector<std::shared_ptr<State>> under_way = {state_};
  while (!under_way.empty()) {
    const std::shared_ptr<State> state = std::move(under_way.back());
    under_way.pop_back();
    const std::lock_guard lock(state->mutex);
    if (state->is_cancelled.exchange(true, std::memory_order_acq_rel)) continue;
    while (state->listeners != nullptr) {
      Listener* const listener = state->listeners;
      state->listeners = listener->next_;
      if (state->listeners != nullptr) state->listeners->previous_ = nullptr;
      listener->is_linked_ = false;
      listener->OnCancel();
    }
    state->TakeChildren(&under_way);
  }
}

bool CancellationToken::Listen(Listener& listener) const {
  const std::lock_guard lock(state_->mutex);
  if (state_->is_cancelled.load(std::memory_order_relaxed)) return false;
  listener.next_ = state_->listeners;
  listener.previous_ = nullptr;
  if (state_->listeners != nullptr) state_->listeners->previous_ = &listener;
  state_->listeners = &listener;
  listener.is_linked_ = true;
  return true;
}

bool CancellationToken::Leave(Listener& listener) const {
  const std::lock_guard lock(state_->mutex);
  if (!listener.is_linked_) return false;
  (listener.previous_ == nullptr ? state_->listeners : listener.previous_->next_) = listener.next_;
  if (listener.next_ != nullptr) listener.next_->previous_ = listener.previous_;
  listener.is_linked_ = false;
  return true;
}

WaitResult CancellationToken::Wait(TaskContext& context, int64_t until_ns) const {
  class Waits final : public Listener {
   public:
    explicit Waits(TaskContext& waiting) : waiter(waiting) {}
    void OnCancel() override { waiter.Notify(); }
    RemoteWaiter waiter;
  };
  Waits waits(context);
  if (!Listen(waits)) return WaitResult::kDone;
  const WaitResult result = waits.waiter.Wait(until_ns);
  if (result == WaitResult::kDone) {
    // Who notified may still be in OnCancel.
    Leave(waits);
    return result;
  }
  if (Leave(waits)) return result;
  waits.waiter.AwaitNotify();
  return WaitResult::kDone;
}

}  // namespace weft
