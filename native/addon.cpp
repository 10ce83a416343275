// The engine as a JavaScript class. Its TypeScript side is src/backend/native/addon.ts. Methods check their
// arguments and queue the work. `sync` and `read` return promises, which the engine's thread settles through
// a thread-safe function; that function keeps the process alive only while a promise is open.
#include <napi.h>

#include <unordered_map>

#include "call.h"

namespace inkhorn {
namespace {

/** An empty array has no address, and memcpy must not be given null. */
void copyBytes(void* to, const void* from, size_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);
}

/** Reads the arguments of one method in order, and checks them. */
class Args {
 public:
  Args(const Napi::CallbackInfo& info, Engine& engine, const char* method)
      : info_(info), engine_(engine), method_(method) {}

  /** A whole number from 0 to 2^53. */
  Index size(const char* name) {
    const Napi::Value value = info_[position_++];
    const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
    if (!(number >= 0 && number <= 9007199254740992.0) || number != double(Index(number))) {
      fail(std::string(name) + " " + std::string(value.ToString()) + " is not a whole number >= 0");
    }
    return Index(number);
  }

  const Buffer& buffer() {
    const Buffer* found = engine_.find(double(size("buffer")));
    if (found == nullptr) fail("not a buffer of this engine, or it was given back");
    return *found;
  }

  /** The number of an existing program. */
  uint32_t program() {
    const Index id = size("program");
    if (engine_.program(double(id)) == nullptr) fail("there is no such program, or it was disposed");
    return uint32_t(id);
  }

  [[noreturn]] void fail(const std::string& reason) {
    throw Napi::RangeError::New(info_.Env(), std::string(method_) + ": " + reason);
  }

 private:
  const Napi::CallbackInfo& info_;
  Engine& engine_;
  const char* method_;
  size_t position_ = 0;
};

class NativeEngine : public Napi::ObjectWrap<NativeEngine> {
 public:
  static Napi::Function define(Napi::Env env) {
    std::vector<Napi::ClassPropertyDescriptor<NativeEngine>> members = {
        InstanceMethod<&NativeEngine::alloc>("alloc"),
        InstanceMethod<&NativeEngine::release>("release"),
        InstanceMethod<&NativeEngine::write>("write"),
        InstanceMethod<&NativeEngine::read>("read"),
        InstanceMethod<&NativeEngine::readNow>("readNow"),
        InstanceMethod<&NativeEngine::sync>("sync"),
        InstanceMethod<&NativeEngine::startRecording>("startRecording"),
        InstanceMethod<&NativeEngine::stopRecording>("stopRecording"),
        InstanceMethod<&NativeEngine::dropRecording>("dropRecording"),
        InstanceMethod<&NativeEngine::replay>("replay"),
        InstanceMethod<&NativeEngine::releaseProgram>("releaseProgram"),
        InstanceMethod<&NativeEngine::dispose>("dispose"),
        InstanceMethod<&NativeEngine::call>("call"),
        InstanceMethod<&NativeEngine::peak>("peak"),
    };
    return DefineClass(env, "NativeEngine", members);
  }

  // new NativeEngine(isa, threads, bf16, packed): `call` reads its numbers from the Float64Array `packed`
  explicit NativeEngine(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NativeEngine>(info), env_(info.Env()) {
    const std::string wanted = info[0].ToString();
    const int threads = info[1].ToNumber();
    const bool bf16 = info[2].ToBoolean();
    for (Isa& isa : availableIsas()) {
      if (isa.name == wanted) engine_ = std::make_unique<Engine>(std::move(isa), threads, bf16);
    }
    if (!engine_) throw Napi::Error::New(env_, "no instruction set named " + wanted + " here");
    const auto packed = info[3].As<Napi::Float64Array>();
    packed_ = packed.Data();
    packedArray_ = Napi::Persistent(packed);
    settle_ = Settle::New(env_, "inkhorn", 0, 1, this);
    settle_.Unref(env_);
    // Runs before Node closes `settle_`, since hooks run in reverse order. So the engine's thread never meets
    // a closed function.
    napi_add_env_cleanup_hook(env_, stopEngine, this);
  }

  ~NativeEngine() { shutDown(); }

 private:
  /** An open promise, and for a `read` where the bytes go. */
  struct Fence {
    Napi::Promise::Deferred deferred;
    Napi::ObjectReference target;
  };
  static void settle(Napi::Env env, Napi::Function, NativeEngine* self, void* ticket) {
    if (env != nullptr && self != nullptr) self->fulfil(reinterpret_cast<uintptr_t>(ticket));
  }
  using Settle = Napi::TypedThreadSafeFunction<NativeEngine, void, settle>;

  // call(kernel): the number of an entry of `kernels`
  void call(const Napi::CallbackInfo& info) {
    Args in(info, alive(), "call");
    const auto& entries = kernelEntries();
    const Index which = in.size("kernel");
    if (which >= Index(entries.size())) in.fail("there is no kernel number " + std::to_string(which));
    const KernelEntry& entry = entries[size_t(which)];
    try {
      Call call(*engine_, packed_);
      entry.enter(call);
    } catch (const std::invalid_argument& error) {
      in.fail(std::string(entry.name) + ": " + error.what());
    }
  }

  // peak(kind, blocks, out), out of at least 1 + blocks f32
  void peak(const Napi::CallbackInfo& info) {
    Args in(info, alive(), "peak");
    const Index kind = in.size("kind"), blocks = in.size("blocks");
    const Buffer& buffer = in.buffer();
    if (kind > Index(Peak::int8)) in.fail("there is no peak number " + std::to_string(kind));
    if (buffer.dtype != DType::f32 || buffer.length < 1 + blocks) in.fail("out is not of 1 + blocks f32");
    float* out = buffer.as<float>();
    engine_->queue().push([=, kernels = &engine_->kernels(), team = &engine_->team()] {
      kernels->peak(*team, out, Peak(int(kind)), blocks);
    });
  }

  Engine& alive() {
    if (!engine_) throw Napi::Error::New(env_, "this engine was disposed: make a new one");
    return *engine_;
  }

  // alloc(dtype, length): id
  Napi::Value alloc(const Napi::CallbackInfo& info) {
    Args in(info, alive(), "alloc");
    const Index dtype = in.size("dtype"), length = in.size("length");
    if (dtype > Index(DType::i8)) in.fail("there is no dtype number " + std::to_string(dtype));
    try {
      return Napi::Number::New(env_, engine_->allocate(DType(uint8_t(dtype)), length));
    } catch (const std::bad_alloc&) {
      in.fail("no memory for " + std::to_string(length) + " elements of " + nameOf(DType(uint8_t(dtype))) +
              ": use a smaller batch or model");
    }
  }

  // release(id)
  void release(const Napi::CallbackInfo& info) {
    Args in(info, alive(), "release");
    in.buffer();
    engine_->release(uint32_t(info[0].As<Napi::Number>().DoubleValue()));
  }

  // write(id, data, offset): `data` has the buffer's element size
  void write(const Napi::CallbackInfo& info) {
    Args in(info, alive(), "write");
    const Buffer& buffer = in.buffer();
    const Span span = readSpan(in, info[1], info[2], buffer);
    buffer.storage->changed();
    if (engine_->queue().idle()) {
      copyBytes(span.inBuffer, span.inArray, span.bytes);
      return;
    }
    auto staged = std::make_unique<char[]>(span.bytes);
    copyBytes(staged.get(), span.inArray, span.bytes);
    engine_->queue().push(
        [staged = std::move(staged), to = span.inBuffer, bytes = span.bytes] { copyBytes(to, staged.get(), bytes); });
  }

  // read(id, data, offset): a promise of `data`, once it is filled
  Napi::Value read(const Napi::CallbackInfo& info) {
    Args in(info, alive(), "read");
    const Buffer& buffer = in.buffer();
    const Span span = readSpan(in, info[1], info[2], buffer);
    if (engine_->queue().idle()) {
      copyBytes(span.inArray, span.inBuffer, span.bytes);
      const auto deferred = Napi::Promise::Deferred::New(env_);
      deferred.Resolve(info[1]);
      return deferred.Promise();
    }
    return fence(info[1].As<Napi::Object>(), [span] { copyBytes(span.inArray, span.inBuffer, span.bytes); });
  }

  // readNow(id, data, offset): waits, then fills `data`
  void readNow(const Napi::CallbackInfo& info) {
    Args in(info, alive(), "readNow");
    const Buffer& buffer = in.buffer();
    const Span span = readSpan(in, info[1], info[2], buffer);
    engine_->queue().drain();
    copyBytes(span.inArray, span.inBuffer, span.bytes);
  }

  // sync(): a promise
  Napi::Value sync(const Napi::CallbackInfo&) {
    alive();
    return fence(Napi::Object(), [] {});
  }

  // startRecording(): from now on kernels are recorded instead of queued
  void startRecording(const Napi::CallbackInfo&) {
    if (alive().recording()) {
      throw Napi::Error::New(env_, "record: a recording is going on already; record one after the other");
    }
    engine_->startRecording();
  }

  // stopRecording(): the program's number
  Napi::Value stopRecording(const Napi::CallbackInfo&) { return Napi::Number::New(env_, alive().stopRecording()); }

  // dropRecording()
  void dropRecording(const Napi::CallbackInfo&) { alive().dropRecording(); }

  // replay(program, start)
  void replay(const Napi::CallbackInfo& info) {
    Args in(info, alive(), "replay");
    const uint32_t id = in.program();
    const Index start = in.size("start"), last = engine_->program(id)->lastStart();
    if (engine_->recording()) in.fail("a program cannot be part of another: replay it outside of `record`");
    if (start > last) {
      in.fail("start " + std::to_string(start) + " is beyond what was recorded: at most " + std::to_string(last));
    }
    engine_->replay(id, start);
  }

  // releaseProgram(program)
  void releaseProgram(const Napi::CallbackInfo& info) {
    Args in(info, alive(), "releaseProgram");
    engine_->releaseProgram(in.program());
  }

  // dispose(): rejects all open promises
  void dispose(const Napi::CallbackInfo&) {
    shutDown();
    std::unordered_map<uintptr_t, Fence> open;
    open.swap(fences_);
    for (auto& [ticket, fence] : open) fence.deferred.Reject(Napi::Error::New(env_, "the engine was disposed").Value());
  }

  struct Span {
    char* inBuffer;
    char* inArray;
    size_t bytes;
  };

  static Span readSpan(Args& in, const Napi::Value& data, const Napi::Value& offset, const Buffer& buffer) {
    if (!data.IsTypedArray() || !offset.IsNumber()) in.fail("data is not a typed array, or offset is not a number");
    const Napi::TypedArray array = data.As<Napi::TypedArray>();
    const napi_typedarray_type type = array.TypedArrayType();
    const bool fits = buffer.dtype == DType::f32   ? type == napi_float32_array
                      : buffer.dtype == DType::i32 ? type == napi_int32_array
                                                   : type == napi_int8_array;
    if (!fits) in.fail(std::string("data has not the buffer's dtype, ") + nameOf(buffer.dtype));
    const double from = offset.As<Napi::Number>().DoubleValue();
    const size_t length = array.ElementLength();
    if (!(from >= 0) || from != double(Index(from)) || !(from + double(length) <= double(buffer.length))) {
      in.fail(std::to_string(length) + " elements from " + std::string(offset.ToString()) +
              " on do not fit a buffer of " + std::to_string(buffer.length));
    }
    char* inArray = static_cast<char*>(array.ArrayBuffer().Data()) + array.ByteOffset();
    return {buffer.as<char>() + Index(from) * bytesOf(buffer.dtype), inArray, array.ByteLength()};
  }

  /** Queues `work`. Returns a promise of `target` (or undefined) that resolves when it has run. */
  template <class Work>
  Napi::Value fence(Napi::Object target, Work work) {
    const uintptr_t ticket = ++lastTicket_;
    const auto deferred = Napi::Promise::Deferred::New(env_);
    if (fences_.empty()) settle_.Ref(env_);
    fences_.emplace(ticket, Fence{deferred, target.IsEmpty() ? Napi::ObjectReference() : Napi::Persistent(target)});
    engine_->queue().push([work, settle = settle_, ticket] {
      work();
      settle.NonBlockingCall(reinterpret_cast<void*>(ticket));
    });
    return deferred.Promise();
  }

  void fulfil(uintptr_t ticket) {
    const auto found = fences_.find(ticket);
    if (found == fences_.end()) return;
    Fence fence = std::move(found->second);
    fences_.erase(found);
    if (fences_.empty()) settle_.Unref(env_);
    fence.deferred.Resolve(fence.target.IsEmpty() ? env_.Undefined() : fence.target.Value());
  }

  /** Ends the engine's threads. Afterwards nothing calls `settle_`. */
  static void stopEngine(void* self) { static_cast<NativeEngine*>(self)->engine_.reset(); }

  void shutDown() {
    if (!engine_) return;
    napi_remove_env_cleanup_hook(env_, stopEngine, this);
    engine_.reset();
    settle_.Release();
  }

  Napi::Env env_;
  std::unique_ptr<Engine> engine_;
  Napi::Reference<Napi::Float64Array> packedArray_;  // keeps the memory of `packed_` alive
  const double* packed_ = nullptr;
  Settle settle_;
  std::unordered_map<uintptr_t, Fence> fences_;
  uintptr_t lastTicket_ = 0;
};

// isas(): [{ name, label, bf16 }], best first
Napi::Value isas(const Napi::CallbackInfo& info) {
  Napi::Array list = Napi::Array::New(info.Env());
  for (const Isa& isa : availableIsas()) {
    Napi::Object entry = Napi::Object::New(info.Env());
    entry.Set("name", isa.name);
    entry.Set("label", isa.label);
    entry.Set("bf16", isa.bf16 != Precision::bf16);
    list.Set(list.Length(), entry);
  }
  return list;
}

/** kernels: [{ name, layout, words }], in the order in which `call` numbers them */
Napi::Value kernels(Napi::Env env) {
  Napi::Array list = Napi::Array::New(env);
  for (const KernelEntry& kernel : kernelEntries()) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", kernel.name);
    entry.Set("layout", kernel.layout.letters);
    entry.Set("words", kernel.words.text);
    list.Set(list.Length(), entry);
  }
  return list;
}

/** Must equal ADDON_VERSION in src/backend/native/addon.ts. */
constexpr int VERSION = 3;

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("version", VERSION);
  exports.Set("kernels", kernels(env));
  exports.Set("NativeEngine", NativeEngine::define(env));
  exports.Set("isas", Napi::Function::New<isas>(env, "isas"));
  return exports;
}

}  // namespace
}  // namespace inkhorn

static Napi::Object initInkhorn(Napi::Env env, Napi::Object exports) { return inkhorn::init(env, exports); }
NODE_API_MODULE(inkhorn, initInkhorn)
