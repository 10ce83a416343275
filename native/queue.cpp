// The engine's own thread, and how it waits for tasks.
#include "queue.h"

#include "denormals.h"

namespace inkhorn {

Queue::Queue() : slots_(new Slot[capacity]), runner_([this] { serve(); }) {}

Queue::~Queue() {
  end_ = pushed_->load();
  quit_.store(true);
  pushed_->fetch_add(1);  // an empty task that only wakes the runner
  pushed_.wake();
  runner_.join();
}

Queue::Slot& Queue::reserve() {
  const uint32_t mine = pushed_->load(std::memory_order_relaxed);
  for (uint32_t done; mine - (done = done_->load(std::memory_order_acquire)) >= capacity;) done_.waitWhile(done);
  return slots_[mine % capacity];
}

void Queue::publish() {
  pushed_->fetch_add(1);
  pushed_.wake();
}

void Queue::drain() {
  const uint32_t pushed = pushed_->load(std::memory_order_relaxed);
  for (uint32_t done; (done = done_->load(std::memory_order_acquire)) != pushed;) done_.waitWhile(done);
}

void Queue::serve() {
  const FlushDenormals flushed;
  for (uint32_t done = 0;; done++) {
    if (pushed_->load(std::memory_order_acquire) == done) pushed_.waitWhile(done);
    if (quit_.load()) {
      for (; done != end_; done++) slots_[done % capacity].finish(slots_[done % capacity].task, false);
      return;
    }
    Slot& slot = slots_[done % capacity];
    slot.finish(slot.task, true);
    done_->store(done + 1);
    done_.wake();
  }
}

}  // namespace inkhorn
