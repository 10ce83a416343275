// Waiting for another thread: spins for a moment, since the next kernel mostly comes within microseconds,
// then sleeps, so that an idle engine costs nothing.
#pragma once
#include <atomic>
#include <chrono>

namespace inkhorn {

inline void pauseBriefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/**
 * A number that one thread changes and others wait for. Waking a thread is a system call, which takes longer
 * than many kernels, so it is made only while a thread sleeps.
 */
template <class T>
class Awaited {
 public:
  explicit Awaited(T value) : value_(value) {}

  /** Reading and changing are sequentially consistent. `wake` must follow a change. */
  std::atomic<T>& operator*() { return value_; }
  const std::atomic<T>& operator*() const { return value_; }
  std::atomic<T>* operator->() { return &value_; }
  const std::atomic<T>* operator->() const { return &value_; }

  void wake() {
    if (sleepers_.load() != 0) value_.notify_all();
  }

  /** Returns once the number differs from `old`. */
  void waitWhile(T old) {
    constexpr auto patience = std::chrono::microseconds(50);
    const auto start = std::chrono::steady_clock::now();
    do {
      for (int i = 0; i < 32; i++) {
        if (value_.load(std::memory_order_acquire) != old) return;
        pauseBriefly();
      }
    } while (std::chrono::steady_clock::now() - start < patience);
    // Either `wake` sees this thread among the sleepers, or this thread sees the change before it sleeps.
    sleepers_.fetch_add(1);
    value_.wait(old);
    sleepers_.fetch_sub(1);
  }

 private:
  std::atomic<T> value_;
  std::atomic<int> sleepers_{0};
};

}  // namespace inkhorn
