// An engine: kernels of one instruction set, a team of threads, a queue in front of them, and numbered buffers.
// Knows nothing of JavaScript. Read next: args.h, which checks what JavaScript passes, then bindings/.
#pragma once
#include <cstring>
#include <vector>

#include "isa.h"
#include "memory.h"
#include "parallel.h"
#include "queue.h"

namespace inkhorn {

enum class DType : uint8_t { f32, i32, i8 };
constexpr Index bytesOf(DType dtype) { return dtype == DType::i8 ? 1 : 4; }
constexpr const char* nameOf(DType dtype) {
  return dtype == DType::f32 ? "f32" : dtype == DType::i32 ? "i32" : "i8";
}

struct Buffer {
  Memory memory;
  DType dtype;
  Index length;

  template <class T>
  T* as() const {
    return static_cast<T*>(memory.data());
  }
};

class Engine {
 public:
  Engine(Isa isa, int threads) : isa_(std::move(isa)), team_(threads) {}

  const Kernels& kernels() const { return isa_.kernels; }
  const Isa& isa() const { return isa_; }
  int threads() const { return team_.threads(); }
  Queue& queue() { return queue_; }

  /** Returns the number of a new buffer. Throws std::bad_alloc. */
  uint32_t allocate(DType dtype, Index length) {
    Buffer buffer{Memory(size_t(length) * size_t(bytesOf(dtype))), dtype, length};
    if (free_.empty()) {
      buffers_.push_back(std::move(buffer));
      return uint32_t(buffers_.size() - 1);
    }
    const uint32_t id = free_.back();
    free_.pop_back();
    buffers_[id] = std::move(buffer);
    return id;
  }

  /** The memory goes when everything queued before has run. */
  void release(uint32_t id) {
    queue_.push([memory = std::move(buffers_[id].memory)] {});
    buffers_[id] = Buffer{};
    free_.push_back(id);
  }

  /** Null when there is no such buffer. */
  const Buffer* find(double id) const {
    if (!(id >= 0 && id < double(buffers_.size())) || id != double(size_t(id))) return nullptr;
    const Buffer& buffer = buffers_[size_t(id)];
    return buffer.memory.data() != nullptr ? &buffer : nullptr;
  }

  /** Queues `run(kernels, team)`. */
  template <class Run>
  void launch(Run&& run) {
    queue_.push([run, kernels = &isa_.kernels, team = &team_] { run(*kernels, *team); });
  }

 private:
  const Isa isa_;
  std::vector<Buffer> buffers_;  // touched by JavaScript's thread only
  std::vector<uint32_t> free_;
  Team team_;
  Queue queue_;  // last: its thread ends before anything that its tasks use
};

}  // namespace inkhorn
