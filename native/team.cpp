// The threads behind parallel.h. Blocks are handed out by atomic counters. A thread that wakes too late for a
// job leaves at once, and nobody waits for a sleeping thread: the caller finishes a small job alone. Most of
// the cost of sharing is messages that cross from cache to cache, so they are kept in few cache lines
// (`Desk`).
#include <array>
#include <vector>
#if !defined(__wasm__)
#include <cstdio>
#include <thread>
#endif

#include "denormals.h"
#include "memory.h"
#include "parallel.h"
#include "waiting.h"

namespace inkhorn {

/** Ends the engine: in the middle of a kernel, no caller can be told. */
#if defined(__wasm__)
[[noreturn]] __attribute__((import_module("host"), import_name("outOfMemory"))) void outOfMemory(size_t bytes);
#else
[[noreturn]] static void outOfMemory(size_t bytes) {
  std::fprintf(stderr, "inkhorn: out of memory: %zu bytes of working memory could not be had\n", bytes);
  std::abort();
}
#endif

/** The instructions for one thread in one cache line, and its answer in another. */
struct Desk {
  // Increases by two with each job. Whoever makes it odd, thread or caller, decides whether the thread takes
  // part.
  alignas(64) Awaited<uint32_t> job{0};
  // The job. Written by the caller while no thread takes part. Blocks from `next` up to the end are still to
  // be taken.
  std::atomic<Index> next{0};
  Index end = 0;
  void (*body)(void*, Index, int) = nullptr;
  void* context = nullptr;

  alignas(64) Awaited<uint32_t> finished{0};  // the (odd) number of the last job that it took part in
};

struct Team::State {
  // The last one is shared.
  explicit State(int threads) : desks(size_t(threads)), scratch(size_t(threads) + 1) {}

  std::vector<Desk> desks;  // the desk of thread 0 has only its blocks
  int shares = 1;
  uint32_t job = 0;
  std::atomic<bool> quit{false};

#if !defined(__wasm__)  // there JavaScript starts the threads, which then call `serve`
  std::vector<std::thread> workers;
#endif
  std::vector<std::array<Memory, slots>> scratch;

  /**
   * A job has one share for all threads, or one share for each: a thread begins with its own and then helps
   * the others.
   */
  void takeBlocks(int thread) {
    const auto body = desks[size_t(thread)].body;
    void* const context = desks[size_t(thread)].context;
    for (int i = 0; i < shares; i++) {
      Desk& from = desks[size_t((thread + i) % shares)];
      while (from.next.load(std::memory_order_relaxed) < from.end) {
        const Index block = from.next.fetch_add(1, std::memory_order_relaxed);
        if (block < from.end) body(context, block, thread);
      }
    }
  }

  void serve(int thread) {
    const FlushDenormals flushed;
    Desk& desk = desks[size_t(thread)];
    for (uint32_t seen = 0;;) {
      desk.job.waitWhile(seen);
      seen = desk.job->load();
      if (quit.load()) return;
      if (seen % 2 == 1 || !desk.job->compare_exchange_strong(seen, seen + 1)) continue;  // too late
      takeBlocks(thread);
      desk.finished->store(++seen);
      desk.finished.wake();
    }
  }
};

Team::Team(int threads) : threads_(threads), state_(new State(threads)) {
#if !defined(__wasm__)
  for (int thread = 1; thread < threads; thread++) {
    state_->workers.emplace_back([this, thread] { serve(thread); });
  }
#endif
}

void Team::serve(int thread) { state_->serve(thread); }

Team::~Team() {
  state_->quit.store(true);
  for (Desk& desk : state_->desks) {
    desk.job->fetch_add(2);
    desk.job.wake();
  }
#if !defined(__wasm__)
  for (std::thread& worker : state_->workers) worker.join();
#endif
  delete state_;
}

void Team::run(Index blocks, void (*body)(void*, Index, int), void* context) {
  State& s = *state_;
  if (threads_ == 1 || blocks <= 1) {
    for (Index block = 0; block < blocks; block++) body(context, block, 0);
    return;
  }
  s.shares = eager_ ? threads_ : 1;
  for (int i = 0; i < threads_; i++) {
    Desk& desk = s.desks[size_t(i)];
    desk.body = body;
    desk.context = context;
    desk.next.store(i < s.shares ? blocks * i / s.shares : 0, std::memory_order_relaxed);
    desk.end = i < s.shares ? blocks * (i + 1) / s.shares : 0;
  }
  const uint32_t job = s.job += 2;
  for (int i = 1; i < threads_; i++) {
    s.desks[size_t(i)].job->store(job);
    s.desks[size_t(i)].job.wake();
  }
  s.takeBlocks(0);
  for (int i = 1; i < threads_; i++) {
    Desk& desk = s.desks[size_t(i)];
    uint32_t finished = desk.finished->load();
    if (finished == job + 1) continue;
    uint32_t offered = job;
    if (desk.job->compare_exchange_strong(offered, job + 1)) continue;  // it has not come: done without it
    for (; finished != job + 1; finished = desk.finished->load()) desk.finished.waitWhile(finished);
  }
}

float* Team::scratch(int thread, int slot, Index floats) {
  Memory& memory = state_->scratch[size_t(thread)][size_t(slot)];
  const size_t bytes = size_t(floats) * sizeof(float);
  if (memory.bytes() < bytes) {
    memory = Memory();
    memory = Memory(bytes < hugePage / 8 ? bytes * 2 : (bytes / hugePage + 1) * hugePage, std::nothrow);
    if (memory.data() == nullptr) outOfMemory(bytes);
  }
#if defined(__SANITIZE_ADDRESS__)  // the sanitizer sees exactly the requested size
  ASAN_UNPOISON_MEMORY_REGION(memory.data(), bytes);
  ASAN_POISON_MEMORY_REGION(static_cast<char*>(memory.data()) + bytes, memory.bytes() - bytes);
#endif
  return static_cast<float*>(memory.data());
}

}  // namespace inkhorn
