#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "async/frame.h"
#include "async/frame_home.h"
#include "async/join_handle.h"
#include "async/slot_claim.h"
#include "executor/task_context.h"
#include "executor/task_host.h"
#include "task/priority.h"

// How a task, or a program, has a callable run as a task of a host. The callable is one of
// f(TaskContext&) or f(); what it returns is the value of the task. What it owns goes on the host's
// thread when it has returned, or where the spawn was refused. Any thread, but for slots.
//
// ResourceExhausted: all task slots of the host, or its inbox, are taken. Unavailable: it stopped.
// Unimplemented: it spawns nothing. Refused, nothing is left behind.
namespace weft {

namespace spawn_internal {

template <class F>
decltype(auto) CallOf(F& callable, TaskContext& context) {
  if constexpr (std::is_invocable_v<F&, TaskContext&>) {
    return callable(context);
  } else {
    return callable();
  }
}

// What has a task abort while it runs, for its callable's type.
struct NoLink {
  static constexpr bool may_begin() { return true; }
};
template <class F>
NoLink LinkOf(F& /*callable*/, TaskFrame& /*frame*/) {
  return {};
}

template <class F>
using ValueOf = decltype(CallOf(std::declval<F&>(), std::declval<TaskContext&>()));

// A frame with room for a callable, and later for its value, in its place.
template <class F>
class Frame final : public TaskFrame {
 public:
  using Value = ValueOf<F>;

  Frame(F&& callable, FrameHome& home, bool is_slab, bool has_handle)
      : TaskFrame(kOperations, home, is_slab, has_handle) {
    new (room_) F(std::move(callable));
  }

 private:
  struct Nothing {};
  using Kept = std::conditional_t<std::is_void_v<Value>, Nothing, Value>;
  static_assert(!std::is_reference_v<Value>, "a task returns a value, not a reference");
  static_assert(std::is_nothrow_move_constructible_v<Kept>, "the value is moved to who joins");
  static constexpr size_t kBytes = sizeof(F) > sizeof(Kept) ? sizeof(F) : sizeof(Kept);
  static constexpr size_t kAlignment = alignof(F) > alignof(Kept) ? alignof(F) : alignof(Kept);

  static F& CallableOf(TaskFrame& frame) {
    return *std::launder(reinterpret_cast<F*>(static_cast<Frame&>(frame).room_));
  }
  static Kept& ValueIn(TaskFrame& frame) {
    return *std::launder(reinterpret_cast<Kept*>(static_cast<Frame&>(frame).room_));
  }
  static bool Run(TaskFrame& frame, TaskContext& context) {
    F& callable = CallableOf(frame);
    const auto link = LinkOf(callable, frame);
    if (!link.may_begin()) return false;
    if constexpr (std::is_void_v<Value>) {
      CallOf(callable, context);
      callable.~F();
    } else {
      Value value = CallOf(callable, context);
      callable.~F();
      new (static_cast<Frame&>(frame).room_) Value(std::move(value));
      frame.set_value(static_cast<Frame&>(frame).room_);
    }
    return true;
  }
  static void DropCallable(TaskFrame& frame) { CallableOf(frame).~F(); }
  static void DropValue(TaskFrame& frame) { ValueIn(frame).~Kept(); }

  static const Operations kOperations;

  alignas(kAlignment) std::byte room_[kBytes];
};

template <class F>
constexpr TaskFrame::Operations Frame<F>::kOperations = {
    .run = &Run,
    .drop_callable = &DropCallable,
    .drop_value = &DropValue,
    .alignment = alignof(Frame),
};

template <class F>
constexpr bool kFitsSlot = sizeof(Frame<F>) <= FrameHome::kSlabFrameBytes &&
                           alignof(Frame<F>) <= alignof(std::max_align_t);

// Discards what it refuses.
absl::Status Launch(TaskHost& host, TaskFrame& frame, TaskLevels levels);
absl::StatusOr<FrameHome*> HomeOf(TaskHost& host);

// slot: of the slab, or null for the heap.
template <class F>
Frame<F>& Make(FrameHome& home, F&& callable, void* slot, bool has_handle) {
  void* place = slot;
  if (place == nullptr) {
    place = ::operator new (sizeof(Frame<F>), std::align_val_t{alignof(Frame<F>)});
  }
  home.CountSpawn();
  return *new (place) Frame<F>(std::forward<F>(callable), home, slot != nullptr, has_handle);
}

// Null: the heap.
template <class F>
void* TakeSlotFor(TaskHost& host, FrameHome& home) {
  if constexpr (kFitsSlot<F>) return host.IsHere() ? home.TakeSlot() : nullptr;
  return nullptr;
}

template <class F>
absl::StatusOr<JoinHandle<ValueOf<F>>> SpawnAt(TaskHost& host, F&& callable, void* slot,
                                               TaskLevels levels) {
  FrameHome& home = *host.frames();
  Frame<F>& frame = Make<F>(home, std::forward<F>(callable), slot, true);
  if (absl::Status status = Launch(host, frame, levels); !status.ok()) return status;
  return JoinHandle<ValueOf<F>>(frame, home.shared_from_this());
}

}  // namespace spawn_internal

// In the slab when the callable fits a slot and one is free, else on the heap.
template <class F>
absl::StatusOr<JoinHandle<spawn_internal::ValueOf<F>>> Spawn(
    TaskHost& host, F callable, TaskLevels levels = Priority::kNormal) {
  absl::StatusOr<FrameHome*> home = spawn_internal::HomeOf(host);
  if (!home.ok()) return home.status();
  void* const slot = spawn_internal::TakeSlotFor<F>(host, **home);
  return spawn_internal::SpawnAt<F>(host, std::move(callable), slot, levels);
}

// The same without a handle: nobody hears of its end.
template <class F>
absl::Status SpawnDetached(TaskHost& host, F callable, TaskLevels levels = Priority::kNormal) {
  absl::StatusOr<FrameHome*> home = spawn_internal::HomeOf(host);
  if (!home.ok()) return home.status();
  void* const slot = spawn_internal::TakeSlotFor<F>(host, **home);
  TaskFrame& frame = spawn_internal::Make<F>(**home, std::move(callable), slot, false);
  return spawn_internal::Launch(host, frame, levels);
}

// In a slot that was claimed. A callable that is too large for it does not compile.
// FailedPrecondition: the slot is another host's.
template <class F>
requires spawn_internal::kFitsSlot<F>  // Else use Spawn, which takes the heap.
    absl::StatusOr<JoinHandle<spawn_internal::ValueOf<F>>> SpawnInSlot(
        TaskHost& host, SlotClaim claim, F callable, TaskLevels levels = Priority::kNormal) {
  if (!claim.IsOf(host)) return absl::FailedPreconditionError("the slot is another host's");
  return spawn_internal::SpawnAt<F>(host, std::move(callable), claim.Take(), levels);
}

// On the heap, whatever its size.
template <class F>
absl::StatusOr<JoinHandle<spawn_internal::ValueOf<F>>> SpawnOnHeap(
    TaskHost& host, F callable, TaskLevels levels = Priority::kNormal) {
  absl::StatusOr<FrameHome*> home = spawn_internal::HomeOf(host);
  if (!home.ok()) return home.status();
  return spawn_internal::SpawnAt<F>(host, std::move(callable), nullptr, levels);
}

}  // namespace weft
