// The functions that JavaScript calls in the WASM build (src/backend/wasm/module.ts), and the loop of the
// thread that computes.
//
// A task is a sequence of numbers: their count, the kind of task, and its parameters. Tasks are stored one
// after the other in chunks of memory. JavaScript writes them and increases `pushed`.
#include <new>

#include "../call.h"
#include "../waiting.h"

namespace inkhorn {

namespace {

/** Tasks that are not kernels. Kernels have numbers from 0 on. */
enum Task : int { release = -1, replay = -2, tell = -3, move = -4, jump = -5 };

Engine* engine = nullptr;

/**
 * Counters of tasks. In each, JavaScript finds a number, followed by the number of threads that sleep until
 * it changes.
 */
Awaited<uint32_t> pushed{0}, done{0};
static_assert(sizeof pushed == 8);
/** Why a thread cannot continue. JavaScript writes the text, and finally its length. */
struct {
  uint32_t length = 0;
  char text[508];
} failed;

template <class T>
T* at(double address) {
  return reinterpret_cast<T*>(size_t(address));
}

}  // namespace

// ---- from JavaScript -------------------------------------------------------------------------------------

#define IMPORT(name) __attribute__((import_module("host"), import_name(#name)))
#define EXPORT(name) __attribute__((export_name(#name)))

/** Reports that the `tell` with this number was reached. */
IMPORT(tell) void tellHost(double number);
[[noreturn]] IMPORT(outOfMemory) void outOfMemory(size_t bytes);

/** Null if there is no memory for it. */
EXPORT(allocate) Buffer* allocate(int dtype, size_t length) {
  const size_t element = size_t(bytesOf(DType(dtype)));
  if (length > (size_t{1} << 31) / element - sizeof(Buffer)) return nullptr;  // an Index counts its bytes
  void* memory = std::aligned_alloc(alignof(Buffer), sizeof(Buffer) + length * element);
  return memory == nullptr ? nullptr : new (memory) Buffer{DType(dtype), Index(length)};
}

/** Called before any thread is started. */
EXPORT(begin) void begin(int threads, bool bf16) { engine = new Engine(threads, bf16); }

EXPORT(kernelCount) size_t kernelCount() { return kernelEntries().size(); }
EXPORT(nameOf) const char* nameOfKernel(size_t kernel) { return kernelEntries()[kernel].name; }
EXPORT(layoutOf) const char* layoutOfKernel(size_t kernel) { return kernelEntries()[kernel].layout.letters; }
EXPORT(wordsOf) const char* wordsOfKernel(size_t kernel) { return kernelEntries()[kernel].words.text; }

EXPORT(pushedAt) void* pushedAt() { return &pushed; }
EXPORT(doneAt) void* doneAt() { return &done; }
EXPORT(failedAt) void* failedAt() { return &failed; }

/** Runs one task. Returns the address of the next. */
EXPORT(run) const double* run(const double* task) {
  const double* numbers = task + 2;
  switch (const int which = int(task[1]); which) {
    case release: std::free(at<void>(numbers[0])); break;
    case replay:
      engine->startingAt(Index(numbers[1]), [&] {
        for (const double* step = at<double>(numbers[0]); *step != 0;) step = run(step);
      });
      break;
    case tell: tellHost(numbers[0]); break;
    case move:
      INKHORN_ISA::kernels.copy(engine->team(), at<void>(numbers[0]), at<void>(numbers[1]), Index(numbers[2]));
      break;
    case jump: {
      const double* next = at<double>(numbers[0]);
      std::free(at<void>(numbers[1]));
      return next;
    }
    default: {
      Call call(*engine, numbers);
      kernelEntries()[size_t(which)].enter(call);
    }
  }
  return task + size_t(task[0]);
}

/** The thread that runs the tasks, beginning with the one at `task`. Does not return. */
EXPORT(serveTasks) void serveTasks(const double* task) {
  for (uint32_t ran = 0;; ran++) {
    if (pushed->load(std::memory_order_acquire) == ran) pushed.waitWhile(ran);
    while (int(task[1]) == jump) task = run(task);
    task = run(task);
    done->store(ran + 1);
    done.wake();
  }
}

/** Every other thread. Does not return. */
EXPORT(serveTeam) void serveTeam(int thread) { engine->team().serve(thread); }

}  // namespace inkhorn

// ---- replacements for the C++ library --------------------------------------------------------------------

void* operator new(size_t bytes) {
  void* memory = std::aligned_alloc(64, bytes);
  if (memory == nullptr) inkhorn::outOfMemory(bytes);
  return memory;
}
void* operator new(size_t bytes, std::align_val_t) { return operator new(bytes); }  // at most 64 is requested
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }

_LIBCPP_BEGIN_NAMESPACE_STD
void __libcpp_verbose_abort(const char*, ...) { __builtin_trap(); }
_LIBCPP_END_NAMESPACE_STD
const std::nothrow_t std::nothrow{};

extern "C" {
int __cxa_atexit(void (*)(void*), void*, void*) { return 0; }  // the module never ends
/** Rounded twice, which differs from once in about one case of 2^29. musl's own function is far slower. */
float fmaf(float a, float b, float c) { return float(double(a) * double(b) + double(c)); }
}
