// The threads behind parallel.h. Blocks are handed out by atomic counters. A thread that wakes too late for a job
// leaves again at once, and nobody waits for one that sleeps: a small job is finished by the caller alone.
#include <array>
#include <cstdio>
#include <thread>
#include <vector>

#include "memory.h"
#include "parallel.h"
#include "waiting.h"

namespace inkhorn {

struct Team::State {
  /** Blocks next .. end of a job are yet to be taken. */
  struct alignas(64) Share {
    std::atomic<Index> next{0};
    Index end = 0;
  };

  explicit State(int threads) : share(size_t(threads)), scratch(size_t(threads) + 1) {}  // one more for what all share

  // The job. Written by the caller while no thread is inside; read by threads that entered and saw `open`.
  void (*body)(void*, Index, int) = nullptr;
  void* context = nullptr;
  int shares = 1;
  std::vector<Share> share;

  alignas(64) Awaited<uint32_t> jobs{0};  // counts jobs; what threads sleep on
  std::atomic<bool> open{false};
  std::atomic<bool> quit{false};
  alignas(64) Awaited<int> inside{0};

  std::vector<std::thread> workers;
  std::vector<std::array<Memory, slots>> scratch;

  /** A job is one share for all, or one for each thread: it begins with its own, and then helps the others. */
  void takeBlocks(int thread) {
    for (int i = 0; i < shares; i++) {
      Share& from = share[size_t((thread + i) % shares)];
      for (Index block; (block = from.next.fetch_add(1, std::memory_order_relaxed)) < from.end;) {
        body(context, block, thread);
      }
    }
  }

  // `inside` goes up before `open` is read, and the caller closes before it reads `inside` (both sequentially
  // consistent): so either the thread sees a closed job, or the caller sees the thread.
  void serve(int thread) {
    for (uint32_t seen = 0;;) {
      jobs.waitWhile(seen);
      seen = jobs->load();
      if (quit.load()) return;
      inside->fetch_add(1);
      if (open.load()) takeBlocks(thread);
      if (inside->fetch_sub(1) == 1) inside.wake();
    }
  }
};

Team::Team(int threads) : threads_(threads), state_(new State(threads)) {
  for (int thread = 1; thread < threads; thread++) {
    state_->workers.emplace_back([state = state_, thread] { state->serve(thread); });
  }
}

Team::~Team() {
  state_->quit.store(true);
  state_->jobs->fetch_add(1);
  state_->jobs.wake();
  for (std::thread& worker : state_->workers) worker.join();
  delete state_;
}

void Team::run(Index blocks, void (*body)(void*, Index, int), void* context) {
  State& s = *state_;
  if (threads_ == 1 || blocks <= 1) {
    for (Index block = 0; block < blocks; block++) body(context, block, 0);
    return;
  }
  s.body = body;
  s.context = context;
  s.shares = eager_ ? threads_ : 1;
  for (int i = 0; i < s.shares; i++) {
    s.share[size_t(i)].next.store(blocks * i / s.shares, std::memory_order_relaxed);
    s.share[size_t(i)].end = blocks * (i + 1) / s.shares;
  }
  s.open.store(true);
  s.jobs->fetch_add(1);
  s.jobs.wake();
  s.takeBlocks(0);
  s.open.store(false);
  for (int inside; (inside = s.inside->load()) != 0;) s.inside.waitWhile(inside);
}

float* Team::scratch(int thread, int slot, Index floats) {
  Memory& memory = state_->scratch[size_t(thread)][size_t(slot)];
  const size_t bytes = size_t(floats) * sizeof(float);
  if (memory.bytes() < bytes) {
    try {
      memory = Memory();
      memory = Memory(bytes < hugePage / 8 ? bytes * 2 : (bytes / hugePage + 1) * hugePage);
    } catch (const std::bad_alloc&) {  // on an engine's thread, in the middle of a kernel: nobody could go on
      std::fprintf(stderr, "inkhorn: out of memory: %zu bytes of working memory could not be had\n", bytes);
      std::abort();
    }
  }
  return static_cast<float*>(memory.data());
}

}  // namespace inkhorn
