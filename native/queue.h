// A queue of tasks, in order, with one thread that runs them. JavaScript pushes a task and continues; kernels
// run later.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <thread>
#include <type_traits>
#include <utility>

#include "waiting.h"

namespace inkhorn {

/** One thread (JavaScript's) pushes and waits, one runs. `push` waits while the queue is full. */
class Queue {
 public:
  Queue();
  /** Waits for the running task; drops those that have not begun. */
  ~Queue();
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  /**
   * Runs `task()` after everything pushed before. Allocates no memory: tasks are small and are moved into
   * their slot.
   */
  template <class Task>
  void push(Task&& task) {
    using T = std::decay_t<Task>;
    static_assert(sizeof(T) <= sizeof(Slot::task) && alignof(T) <= alignof(std::max_align_t));
    Slot& slot = reserve();
    new (slot.task) T(std::forward<Task>(task));
    slot.finish = [](void* at, bool run) {
      T& stored = *static_cast<T*>(at);
      if (run) stored();
      stored.~T();
    };
    publish();
  }

  /** Whether nothing is queued or running. */
  bool idle() const { return done_->load(std::memory_order_acquire) == pushed_->load(std::memory_order_relaxed); }
  /** Blocks until everything pushed has run. */
  void drain();

 private:
  static constexpr uint32_t capacity = 1024;
  struct Slot {
    void (*finish)(void* task, bool run);
    alignas(std::max_align_t) unsigned char task[240];
  };

  Slot& reserve();
  void publish();
  void serve();

  std::unique_ptr<Slot[]> slots_;
  alignas(64) Awaited<uint32_t> pushed_{0};  // number of tasks pushed; both counters may wrap
  alignas(64) Awaited<uint32_t> done_{0};
  std::atomic<bool> quit_{false};
  uint32_t end_ = 0;  // number of tasks pushed when the queue was told to quit
  std::thread runner_;
};

}  // namespace inkhorn
