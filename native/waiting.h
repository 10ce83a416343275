// Waiting for another thread: spins for a moment, since the next kernel mostly comes within microseconds,
// then sleeps, so that an idle engine costs nothing.
#pragma once
#include <atomic>
#include <cstdint>
#if !defined(__wasm__)
#include <chrono>
#endif

namespace inkhorn {

inline void pauseBriefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#if defined(__wasm__)

/** How long to spin: about 50 microseconds of looking, for there is no clock. */
class Patience {
 public:
  bool lasts() { return looks_-- > 0; }

 private:
  int looks_ = 1000;
};

inline void sleepWhile(std::atomic<uint32_t>& value, uint32_t old) {
  // It may be woken for a change that this thread has seen before it slept.
  while (value.load() == old) __builtin_wasm_memory_atomic_wait32(reinterpret_cast<int*>(&value), int(old), -1);
}
inline void wakeAll(std::atomic<uint32_t>& value) {
  __builtin_wasm_memory_atomic_notify(reinterpret_cast<int*>(&value), ~0u);
}

#else

/** How long to spin. */
class Patience {
 public:
  bool lasts() const { return std::chrono::steady_clock::now() - start_ < std::chrono::microseconds(50); }

 private:
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

template <class T>
void sleepWhile(std::atomic<T>& value, T old) {
  value.wait(old);
}
template <class T>
void wakeAll(std::atomic<T>& value) {
  value.notify_all();
}

#endif

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
    if (sleepers_.load() != 0) wakeAll(value_);
  }

  /** Returns once the number differs from `old`. */
  void waitWhile(T old) {
    Patience patience;
    do {
      for (int i = 0; i < 32; i++) {
        if (value_.load(std::memory_order_acquire) != old) return;
        pauseBriefly();
      }
    } while (patience.lasts());
    // Either `wake` sees this thread among the sleepers, or this thread sees the change before it sleeps.
    sleepers_.fetch_add(1);
    sleepWhile(value_, old);
    sleepers_.fetch_sub(1);
  }

 private:
  std::atomic<T> value_;
  std::atomic<int> sleepers_{0};
};

}  // namespace inkhorn
