// Working memory in pieces: a kernel states what it takes, once, and gets exactly that.
#pragma once
#include "parallel.h"

namespace inkhorn::INKHORN_ISA {

/** Hands out 64-byte aligned pieces of memory, one after the other. Without memory it only counts them. */
class Arena {
 public:
  explicit Arena(float* memory) : memory_(memory) {}

  float* take(Index floats) {
    float* piece = memory_ == nullptr ? nullptr : memory_ + taken_;
    taken_ += roundUp(floats, 16);
    return piece;
  }
  int8_t* takeBytes(Index bytes) { return reinterpret_cast<int8_t*>(take(ceilDiv(bytes, 4))); }
  int32_t* takeInts(Index ints) { return reinterpret_cast<int32_t*>(take(ints)); }

  /** Total size of all pieces, in floats. */
  Index taken() const { return taken_; }

 private:
  float* memory_;
  Index taken_ = 0;
};

/**
 * The result of take(arena): pieces of the thread's working memory in `slot` (Team::scratch). `take` is
 * called twice, first with an arena that only counts, so it must do nothing but take.
 */
template <class Take>
static inline auto scratchPieces(Team& team, int thread, int slot, const Take& take) {
  Arena counting(nullptr);
  take(counting);
  Arena arena(team.scratch(thread, slot, counting.taken()));
  return take(arena);
}

/** As `pieces`, from the memory that all threads share (Team::shared). */
template <class Take>
static inline auto sharedPieces(Team& team, int slot, const Take& take) {
  return scratchPieces(team, team.threads(), slot, take);
}

}  // namespace inkhorn::INKHORN_ISA
