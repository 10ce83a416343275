// An engine in WebAssembly, as call.h needs it. There is one in a module's memory. Its calls run at once, one
// after the other, on one thread; JavaScript has the queue. Read next: engine.cpp.
#pragma once
#include "../kernels.h"
#include "../parallel.h"

namespace inkhorn {

namespace INKHORN_ISA {
extern const Kernels kernels;
}

/** JavaScript has already checked every call. */
[[noreturn]] inline void refuse(const char*) { __builtin_trap(); }

/** Its number is its address. */
struct alignas(64) Buffer {
  DType dtype;
  Index length;

  /** Its elements follow it in memory. */
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(reinterpret_cast<size_t>(this + 1));
  }
};

class Engine {
 public:
  /** With `bf16`, the products of training round their inputs to bfloat16. */
  Engine(int threads, bool bf16) : bf16_(bf16), team_(threads) {}

  Precision precision() const { return bf16_ ? Precision::bf16 : Precision::f32; }
  Team& team() { return team_; }

  const Buffer* find(double id) const { return reinterpret_cast<const Buffer*>(size_t(id)); }
  void use(const Buffer&, bool) {}

  template <class Run>
  void launch(Run run, Index start, Index) {
    run(INKHORN_ISA::kernels, team_, start_ >= 0 ? start_ : start);
  }

  /**
   * Packed copies of weights do not pay here: they are for instructions that WebAssembly does not have.
   */
  template <class T, class Pack, class Run>
  void launchPacked(const Buffer&, Packing, Index, Pack, Run run, Index, Index) {
    run(INKHORN_ISA::kernels, team_, static_cast<const T*>(nullptr));
  }

  /** In `replay()`, kernels take `start` as their position. */
  template <class Replay>
  void startingAt(Index start, Replay replay) {
    start_ = start;
    team_.setEager(true);
    replay();
    team_.setEager(false);
    start_ = -1;
  }

 private:
  const bool bf16_;
  Team team_;
  Index start_ = -1;
};

}  // namespace inkhorn
