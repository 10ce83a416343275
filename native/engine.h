// An engine: the kernels of one instruction set, a team of threads, a queue of tasks for them, and numbered
// buffers. Knows nothing of JavaScript. Read next: call.h, then entries.cpp.
#pragma once
#include <cstring>
#include <memory>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include "denormals.h"
#include "isa.h"
#include "memory.h"
#include "parallel.h"
#include "program.h"
#include "queue.h"

namespace inkhorn {

/** A call that does not fit: the numbers come from JavaScript, which has checked them. */
[[noreturn]] inline void refuse(const char* reason) { throw std::invalid_argument(reason); }

struct Buffer {
  std::shared_ptr<Storage> storage;  // shared with the programs that use it
  DType dtype;
  Index length;

  template <class T>
  T* as() const {
    return static_cast<T*>(storage->memory.data());
  }
};

class Engine {
 public:
  /** With `bf16`, the products of training round their inputs to bfloat16. */
  Engine(Isa isa, int threads, bool bf16) : isa_(std::move(isa)), bf16_(bf16), team_(threads) {}

  const Kernels& kernels() const { return isa_.kernels; }
  const Isa& isa() const { return isa_; }
  Precision precision() const { return bf16_ ? isa_.bf16 : Precision::f32; }
  int threads() const { return team_.threads(); }
  Queue& queue() { return queue_; }
  Team& team() { return team_; }

  /** Returns the number of a new buffer. Throws std::bad_alloc. */
  uint32_t allocate(DType dtype, Index length) {
    Buffer buffer{std::make_shared<Storage>(size_t(length) * size_t(bytesOf(dtype))), dtype, length};
    if (free_.empty()) {
      buffers_.push_back(std::move(buffer));
      return uint32_t(buffers_.size() - 1);
    }
    const uint32_t id = free_.back();
    free_.pop_back();
    buffers_[id] = std::move(buffer);
    return id;
  }

  /** Frees the memory when everything queued before has run. */
  void release(uint32_t id) {
    queue_.push([storage = std::move(buffers_[id].storage)] {});
    buffers_[id] = Buffer{};
    free_.push_back(id);
  }

  /** Null when there is no such buffer. */
  const Buffer* find(double id) const {
    if (!(id >= 0 && id < double(buffers_.size())) || id != double(size_t(id))) return nullptr;
    const Buffer& buffer = buffers_[size_t(id)];
    return buffer.storage ? &buffer : nullptr;
  }

  /**
   * Queues `run(kernels, team, start)`, or adds it to the program that is being recorded. Each replay then
   * passes its own `start`, at most `lastStart`.
   */
  template <class Run>
  void launch(Run run, Index start, Index lastStart) {
    if (recording_) return recording_->add(run, lastStart);
    queue_.push([run, start, kernels = &isa_.kernels, team = &team_] { run(*kernels, *team, start); });
  }

  /**
   * As `launch`, for `run(kernels, team, packed)` of a product: in a recording `packed` is a copy of `weight`
   * made by `pack`. Otherwise it is the copy that a program has made, as long as `weight` is what was copied.
   * Null where there is none, or no memory for one.
   */
  template <class T, class Pack, class Run>
  void launchPacked(const Buffer& weight, Packing packing, Index bytes, Pack pack, Run run, Index start,
                    Index lastStart) {
    if (!recording_) {
      const auto step = [run, packed = weight.storage->packedNow(packing)](const Kernels& kernels, Team& team, Index) {
        run(kernels, team, packed ? static_cast<const T*>(packed->memory.data()) : nullptr);
      };
      return launch(step, start, lastStart);
    }
    const auto* packed = recording_->addWeight(weight.storage, packing, size_t(bytes), pack);
    const auto step = [run, packed](const Kernels& kernels, Team& team, Index) {
      run(kernels, team, packed->template data<T>());
    };
    launch(step, start, lastStart);
  }

  /** Records that a kernel reads `buffer`, or with `write` changes it. */
  void use(const Buffer& buffer, bool write) {
    if (recording_) return recording_->use(buffer.storage, write);
    if (write) buffer.storage->changed();
  }

  // ---- programs: addon.cpp starts and ends a recording, and sees to it that there is one at a time -------
  Program* recording() const { return recording_.get(); }
  void startRecording() { recording_ = std::make_shared<Program>(); }
  void dropRecording() { recording_.reset(); }
  /** Returns the number of the recorded program. */
  uint32_t stopRecording() {
    recording_->finish();
    programs_.emplace(++lastProgram_, std::move(recording_));
    return lastProgram_;
  }

  /** Null when there is no such program. */
  Program* program(double id) const {
    const auto found = id >= 0 && id <= double(lastProgram_) ? programs_.find(uint32_t(id)) : programs_.end();
    return found != programs_.end() ? found->second.get() : nullptr;
  }

  /**
   * Runs a program. A short program runs on the calling thread if nothing is queued: waking the engine's
   * thread and being woken by it would take as long as the program. Otherwise it is queued.
   */
  void replay(uint32_t id, Index start) {
    const std::shared_ptr<Program>& program = programs_.at(id);
    program->prepare([this](const std::shared_ptr<PackedWeight>& weight) {
      queue_.push(
          [weight, kernels = &isa_.kernels, team = &team_] { weight->pack(*kernels, *team, weight->memory.data()); });
    });
    if (queue_.idle() && program->isShort()) {
      const FlushDenormals flushed;
      return program->run(isa_.kernels, team_, start);
    }
    queue_.push([program, start, kernels = &isa_.kernels, team = &team_] { program->run(*kernels, *team, start); });
  }

  /** Frees a program after the replays queued before have run. */
  void releaseProgram(uint32_t id) {
    queue_.push([program = std::move(programs_.at(id))] {});
    programs_.erase(id);
  }

 private:
  const Isa isa_;
  const bool bf16_;
  std::vector<Buffer> buffers_;  // used by JavaScript's thread only
  std::vector<uint32_t> free_;
  std::shared_ptr<Program> recording_;
  std::unordered_map<uint32_t, std::shared_ptr<Program>> programs_;
  uint32_t lastProgram_ = 0;
  Team team_;
  Queue queue_;  // the last member: its thread ends before anything that its tasks use is destroyed
};

}  // namespace inkhorn
