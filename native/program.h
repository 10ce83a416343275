// A recorded sequence of kernel calls that is replayed on the same buffers, so that a token costs one call
// from JavaScript. Its products of one row read packed copies of their weights. Read next: engine.h,
// kernels/row.cpp.
#pragma once
#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <set>
#include <vector>

#include "memory.h"
#include "parallel.h"

namespace inkhorn {

/** A copy of a weight in the order in which it is read. Valid until the weight changes. */
struct PackedWeight {
  static constexpr uint64_t never = ~uint64_t{0};
  Memory memory;
  Packing packing;
  std::function<void(const Kernels&, Team&, void* to)> pack;
  uint64_t version = never;  // of the weight when it was last packed
};

/** The memory behind a buffer's number. Everything but the bytes is used by JavaScript's thread only. */
struct Storage {
  explicit Storage(size_t bytes) : memory(bytes) {}

  Memory memory;
  uint64_t version = 0;  // increases whenever a change is queued
  std::shared_ptr<PackedWeight> packed;

  void changed() {
    version++;
    packed.reset();
  }

  /** The packed copy in this order, filled by what was queued before; null where there is none. */
  std::shared_ptr<PackedWeight> packedNow(const Packing& packing) const {
    return packed && packed->packing == packing && packed->version == version ? packed : nullptr;
  }
};

class Program {
 public:
  /** A weight that the program reads. `packed` is null where it is read without packing. */
  struct Weight {
    std::shared_ptr<Storage> source;
    std::shared_ptr<PackedWeight> packed;

    template <class T>
    const T* data() const {
      return packed ? static_cast<const T*>(packed->memory.data()) : nullptr;
    }
  };

  // ---- recording -----------------------------------------------------------------------------------------
  /** Adds a step, run(kernels, team, start). `start` may be at most `lastStart`. */
  template <class Run>
  void add(Run run, Index lastStart) {
    steps_.push_back(std::move(run));
    lastStart_ = std::min(lastStart_, lastStart);
  }

  void use(const std::shared_ptr<Storage>& storage, bool write) { (write ? written_ : read_).insert(storage); }

  /**
   * Adds a weight that a step reads packed, in `bytes` bytes; unpacked where there is no memory for that. The
   * result stays at its address as long as the program exists.
   */
  template <class Pack>
  const Weight* addWeight(const std::shared_ptr<Storage>& source, Packing packing, size_t bytes, Pack pack) {
    std::shared_ptr<PackedWeight>& known = source->packed;
    weights_.push_back({source, known && known->packing == packing ? known : nullptr});
    Weight& weight = weights_.back();
    if (weight.packed) return &weight;
    try {
      weight.packed = std::make_shared<PackedWeight>(Memory(bytes), packing, pack);
      if (!known) known = weight.packed;
    } catch (const std::bad_alloc&) {
    }
    return &weight;
  }

  /** Ends the recording. A weight that the program itself changes is not packed. */
  void finish() {
    for (Weight& weight : weights_) {
      if (written_.count(weight.source)) weight.packed.reset();
    }
  }

  // ---- replay --------------------------------------------------------------------------------------------
  Index lastStart() const { return lastStart_; }

  /**
   * Called before each replay is queued. Calls repack(weight) for weights that have changed since they were
   * packed.
   */
  template <class Repack>
  void prepare(Repack repack) {
    for (Weight& weight : weights_) {
      if (!weight.packed || weight.packed->version == weight.source->version) continue;
      weight.packed->version = weight.source->version;
      repack(weight.packed);
    }
    for (const std::shared_ptr<Storage>& storage : written_) storage->changed();
  }

  void run(const Kernels& kernels, Team& team, Index start) {
    const auto begun = std::chrono::steady_clock::now();
    team.setEager(true);
    for (const Step& step : steps_) step(kernels, team, start);
    team.setEager(false);
    lastRun_ = std::chrono::steady_clock::now() - begun;
  }

  /**
   * Whether the last run was so short that a thread may wait for the next one. Ask only while none runs.
   */
  bool isShort() const { return lastRun_ < std::chrono::milliseconds(2); }

 private:
  using Step = std::function<void(const Kernels&, Team&, Index start)>;

  std::vector<Step> steps_;
  std::deque<Weight> weights_;
  std::set<std::shared_ptr<Storage>> read_, written_;  // keeps them alive
  Index lastStart_ = std::numeric_limits<Index>::max();
  std::chrono::steady_clock::duration lastRun_ = std::chrono::hours(1);
};

}  // namespace inkhorn
