#include "queue.h"

#include "waiting.h"

namespace inkhorn {

Queue::Queue() : slots_(new Slot[capacity]), runner_([this] { serve(); }) {}

Queue::~Queue() {
  end_ = pushed_.load();
  quit_.store(true);
  pushed_.fetch_add(1);  // an empty task, only to wake the runner
  pushed_.notify_all();
  runner_.join();
}

Queue::Slot& Queue::reserve() {
  const uint32_t mine = pushed_.load(std::memory_order_relaxed);
  for (uint32_t done; mine - (done = done_.load(std::memory_order_acquire)) >= capacity;) waitWhile(done_, done);
  return slots_[mine % capacity];
}

void Queue::publish() {
  pushed_.fetch_add(1, std::memory_order_release);
  pushed_.notify_all();
}

void Queue::drain() {
  const uint32_t pushed = pushed_.load(std::memory_order_relaxed);
  for (uint32_t done; (done = done_.load(std::memory_order_acquire)) != pushed;) waitWhile(done_, done);
}

void Queue::serve() {
  for (uint32_t done = 0;; done++) {
    if (pushed_.load(std::memory_order_acquire) == done) waitWhile(pushed_, done);
    if (quit_.load()) {
      for (; done != end_; done++) slots_[done % capacity].finish(slots_[done % capacity].task, false);
      return;
    }
    Slot& slot = slots_[done % capacity];
    slot.finish(slot.task, true);
    done_.store(done + 1, std::memory_order_release);
    done_.notify_all();
  }
}

}  // namespace inkhorn
