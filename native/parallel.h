// How a kernel shares its work: `forBlocks` hands out numbered blocks to the team's threads. One rule makes
// results independent of the number of threads: what a block computes, and the order in which the results of
// blocks are combined, may depend on the block's number and the shape, never on `thread` or the team's size.
#pragma once
#include "kernels.h"

namespace inkhorn {

/** A fixed set of threads that run one job at a time. Thread 0 is the caller of `run`. */
class Team {
 public:
  explicit Team(int threads);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int threads() const { return threads_; }

  /**
   * To be set while the same jobs are repeated (program.h). The threads stay awake, so that small jobs are
   * shared too, and each thread begins with the same blocks every time, which are still in its cache.
   */
  void setEager(bool eager) { eager_ = eager; }
  /** The fewest multiply-adds of a job that is shared. */
  Work smallestJob() const { return eager_ ? Work{1} << 13 : Work{1} << 19; }

  /**
   * Calls body(context, block, thread) once for every block in [0, blocks), in any order; returns when all
   * are done.
   */
  void run(Index blocks, void (*body)(void* context, Index block, int thread), void* context);

  /** What a thread other than 0 does: it takes part in jobs until the team ends. */
  void serve(int thread);

  /**
   * Working memory that is kept between kernels: at least `floats` floats, 64-byte aligned, contents
   * undefined. `slot` distinguishes what one thread needs at the same time. A thread asks only for its own; a
   * second request for the same slot may move it. Throws std::bad_alloc.
   */
  float* scratch(int thread, int slot, Index floats);
  static constexpr int slots = 6;

  /** As `scratch`, for memory that all threads share. To be asked for outside of `run`. */
  float* shared(int slot, Index floats) { return scratch(threads_, slot, floats); }

 private:
  struct State;
  int threads_;
  bool eager_ = false;
  State* state_;
};

#ifdef INKHORN_ISA
namespace INKHORN_ISA {

static constexpr Index ceilDiv(Index a, Index b) { return (a + b - 1) / b; }
static constexpr Index least(Index a, Index b) { return a < b ? a : b; }
static constexpr Index roundUp(Index n, Index multiple) { return ceilDiv(n, multiple) * multiple; }

/** Calls body(block, thread) for every block in [0, blocks). A single block runs directly on the caller. */
template <class Body>
static inline void forBlocks(Team& team, Index blocks, const Body& body) {
  if (blocks == 1) return body(Index{0}, 0);
  team.run(
      blocks, [](void* context, Index block, int thread) { (*static_cast<const Body*>(context))(block, thread); },
      const_cast<Body*>(&body));
}

/**
 * As `forBlocks`, for a job of `work` multiply-adds. The caller does a small job alone: waking the other
 * threads would take longer, and during generation JavaScript also needs the processor.
 */
template <class Body>
static inline void forBlocks(Team& team, Index blocks, Work work, const Body& body) {
  if (work > team.smallestJob()) return forBlocks(team, blocks, body);
  for (Index block = 0; block < blocks; block++) body(block, 0);
}

/**
 * Cuts [0, n) into blocks of `size` (the last one may be shorter) and calls body(begin, end, block, thread)
 * for each: a copy of it, so that what it captures by value, [=], stays in registers. The original is in
 * memory that the team has the address of; it would be read again after each store of a vector.
 */
template <class Body>
static inline void forRanges(Team& team, Index n, Index size, const Body& body) {
  const Index blocks = ceilDiv(n, size);
  forBlocks(team, blocks, [&](Index block, int thread) {
    const Index begin = block * size;
    const Body own = body;
    INKHORN_INLINED own(begin, least(n, begin + size), block, thread);
  });
}

}  // namespace INKHORN_ISA
#endif

}  // namespace inkhorn
