// Turns one kernel call, given as numbers (packed and checked by src/backend/call.ts), into the kernel's
// parameters, and queues it. Knows nothing of JavaScript: anything that has such numbers can call. Read next:
// entries.cpp.
#pragma once
#include <limits>
#include <tuple>
#include <type_traits>
#include <vector>

#if defined(__wasm__)
#include "wasm/engine.h"
#else
#include "engine.h"
#endif

namespace inkhorn {

/** A buffer of any dtype. `const char`: it is only read. */
template <class Byte>
struct AnyBuffer {
  Byte* data;
  DType dtype;
  Index length;
};

/** The epilogue of a product as it is called; at most one of the two numbers is not 0. */
struct MatmulCall {
  MatmulShape shape;
  Activation activation, slope;
};

// The numbers of a shape, in the order of its kernel's row.
constexpr auto fieldsOf(MixShape& s) { return std::tie(s.rows, s.cols, s.from, s.to); }
constexpr auto fieldsOf(ShiftShape& s) { return std::tie(s.B, s.T, s.C, s.cols); }
constexpr auto fieldsOf(RopeShape& s) { return std::tie(s.B, s.T, s.H, s.hs, s.start, s.base, s.inverse); }
constexpr auto fieldsOf(AttentionShape& s) { return std::tie(s.B, s.T, s.H, s.hs, s.scale); }
constexpr auto fieldsOf(Int4Shape& s) { return std::tie(s.m, s.n, s.k, s.groupSize); }
constexpr auto fieldsOf(Dropout& s) { return std::tie(s.p, s.seed, s.step, s.site, s.offset); }
constexpr auto fieldsOf(AdamW& s) { return std::tie(s.lr, s.beta1, s.beta2, s.eps, s.weightDecay, s.t, s.gradScale); }
constexpr auto fieldsOf(Sgd& s) { return std::tie(s.lr, s.momentum, s.weightDecay, s.gradScale); }
constexpr auto fieldsOf(MatmulCall& c) {
  auto& [s, activation, slope] = c;
  return std::tie(s.m, s.n, s.k, s.transA, s.transB, s.accumulate, s.symmetric, activation, slope);
}

template <class T>
inline constexpr bool isAnyBuffer = false;
template <class Byte>
inline constexpr bool isAnyBuffer<AnyBuffer<Byte>> = true;

template <class T>
constexpr DType dtypeOf() {
  return std::is_same_v<T, float> ? DType::f32 : std::is_same_v<T, int32_t> ? DType::i32 : DType::i8;
}

/** The letters of what src/backend/call.ts packs for a kernel, or for one parameter. */
struct Layout {
  char letters[48] = {};
  size_t count = 0;

  constexpr Layout() = default;
  constexpr explicit Layout(char letter) { letters[count++] = letter; }
  friend constexpr Layout operator+(Layout a, const Layout& b) {
    for (size_t i = 0; i < b.count; i++) a.letters[a.count++] = b.letters[i];
    return a;
  }
};

/** The letters for a parameter, as in src/backend/call.ts. */
template <class T>
constexpr Layout lettersOf() {
  if constexpr (std::is_pointer_v<T>) {
    using Element = std::remove_pointer_t<T>;
    const char letter = "fiq"[int(dtypeOf<std::remove_const_t<Element>>())];
    return Layout(std::is_const_v<Element> ? letter : char(letter - 'a' + 'A'));
  } else if constexpr (isAnyBuffer<T>) {
    return Layout(std::is_same_v<T, AnyBuffer<char>> ? 'A' : 'a');
  } else if constexpr (std::is_same_v<T, Position>) {
    return Layout('s');
  } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    return Layout('n');
  } else {
    T shape{};
    return std::apply([](auto&... field) { return (lettersOf<std::decay_t<decltype(field)>>() + ...); },
                      fieldsOf(shape));
  }
}

/** The words of the choices among the parameters, as src/backend/call.ts writes them. */
struct Words {
  char text[128] = {};
  size_t count = 0;

  friend constexpr Words operator+(Words a, const Words& b) {
    for (size_t i = 0; i < b.count; i++) a.text[a.count++] = b.text[i];
    return a;
  }
};

template <class T>
constexpr Words wordsOf() {
  Words words;
  if constexpr (std::is_enum_v<T>) {
    for (const char* from = wordsIn(T{}); *from != 0; from++) words.text[words.count++] = *from;
    words.text[words.count++] = ';';
  } else if constexpr (std::is_class_v<T> && !isAnyBuffer<T> && !std::is_same_v<T, Position>) {
    T shape{};
    words =
        std::apply([](auto&... field) { return (wordsOf<std::decay_t<decltype(field)>>() + ...); }, fieldsOf(shape));
  }
  return words;
}

/** Reads the parameters of one call in order, and queues or records it. */
class Call {
 public:
  /** `packed`: the largest position that a replay may have, then the parameters of the kernel's layout. */
  Call(Engine& engine, const double* packed) : engine_(engine), next_(packed) {
    const double last = *next_++;
    lastStart_ = last < 9e15 ? Index(last) : std::numeric_limits<Index>::max();
  }

  /**
   * The next parameter, converted to the kernel's type for it. Throws when a number does not stand for such a
   * buffer.
   */
  template <class T>
  T take() {
    if constexpr (std::is_pointer_v<T>) {
      using Element = std::remove_pointer_t<T>;
      const Buffer* buffer = takeBuffer(!std::is_const_v<Element>);
      if (!buffer) return nullptr;
      if (buffer->dtype != dtypeOf<std::remove_const_t<Element>>()) refuse("another dtype");
      return buffer->template as<std::remove_const_t<Element>>();
    } else if constexpr (isAnyBuffer<T>) {
      const Buffer* buffer = takeBuffer(std::is_same_v<T, AnyBuffer<char>>);
      if (!buffer) refuse("a buffer is missing");
      return {buffer->template as<char>(), buffer->dtype, buffer->length};
    } else if constexpr (std::is_same_v<T, Position>) {
      start_ = Index(*next_++);
      return {start_};
    } else if constexpr (std::is_enum_v<T>) {
      return T(int(*next_++));
    } else if constexpr (std::is_arithmetic_v<T>) {
      return T(*next_++);
    } else {
      T shape{};
      std::apply([this](auto&... field) { ((field = this->take<std::decay_t<decltype(field)>>()), ...); },
                 fieldsOf(shape));
      if constexpr (requires { shape.precision; }) shape.precision = precision();
      return shape;
    }
  }

  /** What the engine's products are computed in. */
  Precision precision() const { return engine_.precision(); }

  /** Queues `run(kernels, team, start)`, or records it; each replay then has its own start. */
  template <class Run>
  void launch(Run run) {
    engine_.launch(run, start_, lastStart_);
  }

  /**
   * Queues `run(kernels, team, null)` of a product. In a recording, buffer number `which`, the weight, may be
   * packed. `run` then gets `bytes` bytes, filled by `pack(kernels, team, to)` before the first replay and
   * again whenever the weight has changed.
   */
  template <class T, class Pack, class Run>
  void launchPacked(size_t which, Packing packing, Index bytes, Pack pack, Run run) {
    engine_.launchPacked<T>(*taken_[which], packing, bytes, pack, run, start_, lastStart_);
  }

 private:
  /** Null where the number stands for null. */
  const Buffer* takeBuffer(bool written) {
    const double id = *next_++;
    const Buffer* buffer = id == -1 ? nullptr : engine_.find(id);
    if (!buffer && id != -1) refuse("not a buffer of this engine, or it was given back");
    if (buffer) engine_.use(*buffer, written);
    taken_[takenCount_++] = buffer;
    return buffer;
  }

  Engine& engine_;
  const double* next_;
  Index start_ = 0;
  Index lastStart_;
  const Buffer* taken_[16] = {};
  size_t takenCount_ = 0;
};

/** How one kernel is called. */
struct KernelEntry {
  const char* name;
  Layout layout;
  Words words;
  void (*enter)(Call&);
};

/** All kernels that JavaScript calls. */
const std::vector<KernelEntry>& kernelEntries();

}  // namespace inkhorn
