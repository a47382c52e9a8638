#pragma once

namespace weft {

// Something that comes back from the completion queue; its address is the tag. It stays where it is
// from being posted until Proceed is called. Door thread only.
class QueueEvent {
 public:
  // ok is false when what was posted did not happen.
  virtual void Proceed(bool ok) = 0;

 protected:
  QueueEvent() = default;
  ~QueueEvent() = default;
  QueueEvent(const QueueEvent&) = delete;
  QueueEvent& operator=(const QueueEvent&) = delete;
};

// An event that calls a member function of the object it is embedded in.
template <class Owner, void (Owner::*kMember)(bool)>
class MemberEvent final : public QueueEvent {
 public:
  explicit MemberEvent(Owner& owner) : owner_(owner) {}
  void Proceed(bool ok) override { (owner_.*kMember)(ok); }

 private:
  Owner& owner_;
};

}  // namespace weft
