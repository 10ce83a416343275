// The arguments of one call from JavaScript, read in order and checked before anything is queued: a wrong size, type or
// dtype throws, and no kernel ever leaves its buffers.
#pragma once
#include <napi.h>

#include <initializer_list>
#include <limits>
#include <string>

#include "engine.h"

namespace inkhorn {

/** Elements of a buffer. A kernel that takes them as `float*` changes them, one that takes `const float*` reads them. */
template <class T>
class Elements {
 public:
  Elements() = default;  // null
  Elements(Engine& engine, const Buffer& buffer) : engine_(&engine), buffer_(&buffer) {}

  operator T*() const { return taken(true); }
  operator const T*() const { return taken(false); }
  const std::shared_ptr<Storage>& storage() const { return buffer_->storage; }
  Index length() const { return buffer_ == nullptr ? 0 : buffer_->length; }

 private:
  T* taken(bool write) const {
    if (buffer_ == nullptr) return nullptr;
    engine_->use(buffer_->storage, write);
    return buffer_->template as<T>();
  }

  Engine* engine_ = nullptr;
  const Buffer* buffer_ = nullptr;
};

class Args {
 public:
  Args(const Napi::CallbackInfo& info, Engine& engine, const char* kernel)
      : info_(info), engine_(engine), kernel_(kernel) {}

  double number(const char* name) {
    const Napi::Value value = next();
    if (!value.IsNumber()) fail(std::string(name) + " is not a number");
    return value.As<Napi::Number>().DoubleValue();
  }

  /** A whole number from `least` to 2^53. */
  Index size(const char* name, Index least = 1) {
    const double value = number(name);
    if (!(value >= double(least) && value <= 9007199254740992.0) || value != double(Index(value))) {
      fail(std::string(name) + " " + show(value) + " is not a whole number >= " + std::to_string(least));
    }
    return Index(value);
  }

  bool flag(const char* name) {
    const Napi::Value value = next();
    if (!value.IsBoolean()) fail(std::string(name) + " is not a boolean");
    return value.As<Napi::Boolean>().Value();
  }

  /** The elements of a buffer that must hold `shape`. */
  Elements<float> f32(const char* name, std::initializer_list<Index> shape) {
    return elements<float>(name, DType::f32, shape);
  }
  Elements<int32_t> i32(const char* name, std::initializer_list<Index> shape) {
    return elements<int32_t>(name, DType::i32, shape);
  }
  Elements<int8_t> i8(const char* name, std::initializer_list<Index> shape) {
    return elements<int8_t>(name, DType::i8, shape);
  }

  /** The elements of an `f32` buffer of exactly n: elementwise kernels want all buffers equally long. */
  Elements<float> f32OfLength(const char* name, Index n) {
    const Elements<float> data = f32(name, {n});
    if (data.length() != n) {
      fail(std::string(name) + " has " + std::to_string(data.length()) + " elements, not " + std::to_string(n));
    }
    return data;
  }

  /** The same as `f32`, or null where JavaScript passes null. */
  Elements<float> f32OrNull(const char* name, std::initializer_list<Index> shape) {
    return skipNull() ? Elements<float>() : f32(name, shape);
  }
  Elements<float> f32OfLengthOrNull(const char* name, Index n) {
    return skipNull() ? Elements<float>() : f32OfLength(name, n);
  }
  Elements<int32_t> i32OrNull(const char* name, std::initializer_list<Index> shape) {
    return skipNull() ? Elements<int32_t>() : i32(name, shape);
  }

  /** T rows of C from row `start` on, of a table that may be null; `lastStart` becomes the last row they can begin at. */
  const float* rowsFrom(const char* name, Index start, Index T, Index C, Index& lastStart) {
    const Elements<float> table = f32OrNull(name, {start + T, C});
    lastStart = table.length() == 0 ? std::numeric_limits<Index>::max() : table.length() / C - T;
    return table;
  }

  /** A buffer of any dtype and length. Its contents are reached through `changed` or `read`. */
  const Buffer& buffer(const char* name) {
    const Napi::Value value = next();
    const Buffer* found = value.IsNumber() ? engine_.find(value.As<Napi::Number>().DoubleValue()) : nullptr;
    if (found == nullptr) fail(std::string(name) + " is not a buffer of this engine, or it was given back");
    return *found;
  }

  char* changed(const Buffer& buffer) { return Elements<char>(engine_, buffer); }
  const char* read(const Buffer& buffer) { return Elements<char>(engine_, buffer); }

  /** Whether the engine's products take their inputs rounded to bfloat16. */
  bool bf16() const { return engine_.bf16(); }

  Dropout dropout() {
    const double p = number("dropout.p");
    if (!(p >= 0 && p < 1)) fail("dropout p " + show(p) + " is not in [0, 1)");
    const Index seed = size("dropout.seed", 0), step = size("dropout.step", 0), site = size("dropout.site", 0);
    return {p, uint64_t(seed), uint32_t(step), uint32_t(site), uint64_t(size("dropout.offset", 0))};
  }

  Activation activation() {
    const Index kind = size("kind", 0);
    if (kind > Index(Activation::silu)) fail("there is no activation number " + std::to_string(kind));
    return Activation(int(kind));
  }

  /** Queues `run(kernels, team)`, or records it. */
  template <class Run>
  void launch(Run run) {
    launchFrom(0, std::numeric_limits<Index>::max(),
               [run](const Kernels& kernels, Team& team, Index) { run(kernels, team); });
  }

  /** Queues `run(kernels, team, start)`, or records it: replays go on from other positions, up to `lastStart`. */
  template <class Run>
  void launchFrom(Index start, Index lastStart, Run run) {
    if (position_ != info_.Length()) {
      fail("takes " + std::to_string(position_) + " arguments, not " + std::to_string(info_.Length()));
    }
    engine_.launch(run, start, lastStart);
  }

  /**
   * Queues `run(kernels, team, null)` of a product. In a recording, the weight may be packed: `run` then gets `bytes` bytes
   * that `pack(kernels, team, to)` has filled before the first replay, and again whenever the weight has changed.
   */
  template <class T, class Pack, class Run>
  void launchPacked(const Elements<T>& weight, Packing packing, Index bytes, Pack pack, Run run) {
    Program* program = engine_.recording();
    const auto* packed = program ? program->addWeight(weight.storage(), packing, size_t(bytes), pack) : nullptr;
    launch([run, packed](const Kernels& kernels, Team& team) {
      run(kernels, team, packed ? packed->template data<T>() : nullptr);
    });
  }

  [[noreturn]] void fail(const std::string& reason) {
    throw Napi::RangeError::New(info_.Env(), std::string(kernel_) + ": " + reason);
  }

  static std::string show(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.15g", value);
    return text;
  }

 private:
  Napi::Value next() { return info_[position_++]; }

  bool skipNull() {
    if (!info_[position_].IsNull()) return false;
    position_++;
    return true;
  }

  template <class T>
  Elements<T> elements(const char* name, DType dtype, std::initializer_list<Index> shape) {
    const Buffer& found = buffer(name);
    if (found.dtype != dtype) fail(std::string(name) + " is " + nameOf(found.dtype) + ", not " + nameOf(dtype));
    double needed = 1;  // a double does not overflow; beyond 2^53 it is larger than any buffer anyway
    for (const Index n : shape) needed *= double(n);
    if (!(double(found.length) >= needed)) {
      std::string text;
      for (const Index n : shape) text += (text.empty() ? "" : ", ") + std::to_string(n);
      fail(std::string(name) + " has " + std::to_string(found.length) + " elements, [" + text + "] needs " + show(needed));
    }
    return {engine_, found};
  }

  const Napi::CallbackInfo& info_;
  Engine& engine_;
  const char* kernel_;
  size_t position_ = 0;
};

// One binding per kernel, of the same name: bindings/*.cpp. The order in which each reads its arguments is the order in
// src/backend/native/addon.ts: sizes first, then buffers.
namespace bindings {
#define INKHORN_BINDING(name, parameters) void name(Args& in);
INKHORN_KERNELS(INKHORN_BINDING)
#undef INKHORN_BINDING
}  // namespace bindings

}  // namespace inkhorn
