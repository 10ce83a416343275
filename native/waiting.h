// Waiting for another thread: spin for a moment, since the next kernel mostly comes within microseconds, then sleep, so
// that an idle engine costs nothing.
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

/** Returns once `value` is no longer `old`. Whoever changes it must call `notify_all` on it afterwards. */
template <class T>
void waitWhile(std::atomic<T>& value, T old) {
  constexpr auto patience = std::chrono::microseconds(50);
  const auto start = std::chrono::steady_clock::now();
  do {
    for (int i = 0; i < 32; i++) {
      if (value.load(std::memory_order_acquire) != old) return;
      pauseBriefly();
    }
  } while (std::chrono::steady_clock::now() - start < patience);
  value.wait(old, std::memory_order_acquire);
}

}  // namespace inkhorn
