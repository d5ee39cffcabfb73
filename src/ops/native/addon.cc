// The native engine's face to Node (Node-API): pack(), compile(), run().

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include "../../node-api.h"
#include "program.h"
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace {

constexpr size_t lineBytes = 64;
// Scratch memory that a thread keeps from run to run at most: 64 MiB.
constexpr int64_t keptFloats = 1 << 24;

const Kernels& kernels() {
#if defined(__x86_64__)
  static const Kernels& best = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") ? kernels_avx512
    : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? kernels_avx2 : kernels_base;
  return best;
#else
  return kernels_base;
#endif
}

// Asks that memory come in large pages, where there are so many of it: one that is new costs the system more, page by page, than most programs take to fill it.
void wish([[maybe_unused]] const float* at, [[maybe_unused]] int64_t floats) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr uintptr_t page = 1 << 21;
  const uintptr_t from = ((uintptr_t)at + page - 1) & ~(page - 1), to = (uintptr_t)(at + floats) & ~(page - 1);
  if (to > from) madvise((void*)from, to - from, MADV_HUGEPAGE);
#endif
}

// Floats that begin at a line of the cache.
struct Memory {
  float* at = nullptr;
  int64_t size = 0;
  explicit Memory(int64_t floats) { grow(floats); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { std::free(at); }
  void release() {
    std::free(at);
    at = nullptr;
    size = 0;
  }
  void grow(int64_t floats) {
    if (at != nullptr && floats <= size) return;
    release();
    const size_t bytes = ((size_t)floats * sizeof(float) / lineBytes + 1) * lineBytes;
    at = static_cast<float*>(std::aligned_alloc(lineBytes, bytes));
    size = at == nullptr ? 0 : floats;
    if (at == nullptr) throw std::bad_alloc();
    wish(at, floats);
  }
};

struct Held {
  Program program;
  std::vector<napi_ref> kept;
};

const napi_type_tag packedTag = {0x5374617465536370ULL, 0x7061636b65642e31ULL};
const napi_type_tag programTag = {0x5374617465536370ULL, 0x70726f6772616d31ULL};

uint32_t length(napi_env env, napi_value list) {
  uint32_t count;
  CALL(napi_get_array_length(env, list, &count));
  return count;
}

napi_value element(napi_env env, napi_value list, uint32_t n) {
  napi_value value;
  CALL(napi_get_element(env, list, n, &value));
  return value;
}

template <class T>
T* held(napi_env env, napi_value value, const napi_type_tag& tag) {
  bool own = false;
  CALL(napi_check_object_type_tag(env, value, &tag, &own));
  if (!own) throw Failure{"a handle of another kind"};
  void* data;
  CALL(napi_get_value_external(env, value, &data));
  return static_cast<T*>(data);
}

// pack(data, offset, inner, columns, innerStride, columnStride): a matrix as products read it.
napi_value pack(napi_env env, napi_callback_info info) {
  const Arguments<6> given(env, info);
  size_t size;
  const float* const data = array<float>(env, given.at[0], napi_float32_array, &size);
  const int64_t offset = whole(env, given.at[1]), inner = whole(env, given.at[2]), columns = whole(env, given.at[3]), down = whole(env, given.at[4]), along = whole(env, given.at[5]);
  if (offset < 0 || inner < 0 || columns < 0 || down < 0 || along < 0 || (inner > 0 && columns > 0 && offset + (inner - 1) * down + (columns - 1) * along >= (int64_t)size)) throw Failure{"a matrix that leaves its array"};
  const int64_t panel = kernels().panel, panels = (columns + panel - 1) / panel;
  Memory* const memory = new Memory(panels * panel * inner);
  float* to = memory->at;
  for (int64_t p = 0; p < panels; p++) {
    for (int64_t k = 0; k < inner; k++) {
      for (int64_t n = p * panel; n < (p + 1) * panel; n++) *to++ = n < columns ? data[offset + k * down + n * along] : 0.f;
    }
  }
  int64_t outside;
  napi_adjust_external_memory(env, memory->size * (int64_t)sizeof(float), &outside);
  napi_value handle;
  CALL(napi_create_external(env, memory, [](napi_env env, void* data, void*) {
    Memory* const memory = static_cast<Memory*>(data);
    int64_t outside;
    napi_adjust_external_memory(env, -memory->size * (int64_t)sizeof(float), &outside);
    delete memory;
  }, nullptr, &handle));
  CALL(napi_type_tag_object(env, handle, &packedTag));
  return handle;
}

// compile(code, scratch, constants, inputs, outputs): a program that may run; `inputs` and `outputs` are their sizes in floats.
napi_value compile(napi_env env, napi_callback_info info) {
  const Arguments<5> given(env, info);
  size_t size;
  const int32_t* const code = array<int32_t>(env, given.at[0], napi_int32_array, &size);
  auto fresh = std::make_unique<Held>();
  Program& program = fresh->program;
  program.code.assign(code, code + size);
  program.sizes.push_back(whole(env, given.at[1]));
  program.constants.push_back(nullptr);
  const uint32_t constants = length(env, given.at[2]);
  std::vector<napi_value> values;
  for (uint32_t n = 0; n < constants; n++) {
    const napi_value value = element(env, given.at[2], n);
    napi_valuetype type;
    CALL(napi_typeof(env, value, &type));
    if (type == napi_external) {
      const Memory* const memory = held<Memory>(env, value, packedTag);
      program.sizes.push_back(memory->size);
      program.constants.push_back(memory->at);
    } else {
      size_t floats;
      const float* const data = array<float>(env, value, napi_float32_array, &floats);
      program.sizes.push_back((int64_t)floats);
      // An empty array has no place.
      program.constants.push_back(data == nullptr ? reinterpret_cast<const float*>(&kernels()) : data);
    }
    values.push_back(value);
  }
  for (const int which : {3, 4}) {
    const uint32_t count = length(env, given.at[which]);
    for (uint32_t n = 0; n < count; n++) {
      program.sizes.push_back(whole(env, element(env, given.at[which], n)));
      program.constants.push_back(nullptr);
    }
  }
  const std::string wrong = refusal(program);
  if (!wrong.empty()) throw std::runtime_error("the program is not sound: " + wrong);
  // Constants stay where they are for as long as the program does.
  for (const napi_value value : values) {
    napi_ref kept;
    CALL(napi_create_reference(env, value, 1, &kept));
    fresh->kept.push_back(kept);
  }
  napi_value handle;
  CALL(napi_create_external(env, fresh.get(), [](napi_env env, void* data, void*) {
    Held* const own = static_cast<Held*>(data);
    for (const napi_ref kept : own->kept) napi_delete_reference(env, kept);
    delete own;
  }, nullptr, &handle));
  fresh.release();
  CALL(napi_type_tag_object(env, handle, &programTag));
  return handle;
}

// run(program, inputs, outputs, threads)
napi_value runProgram(napi_env env, napi_callback_info info) {
  const Arguments<4> given(env, info);
  const Program& program = held<Held>(env, given.at[0], programTag)->program;
  // Of the thread: its programs run one after the other.
  thread_local Memory scratch(0);
  scratch.grow(program.sizes[0]);
  std::vector<float*> blocks{scratch.at};
  size_t n = 1;
  for (; n < program.constants.size() && program.constants[n] != nullptr; n++) blocks.push_back(const_cast<float*>(program.constants[n]));
  for (const int which : {1, 2}) {
    const uint32_t count = length(env, given.at[which]);
    for (uint32_t k = 0; k < count; k++, n++) {
      size_t floats;
      float* const data = array<float>(env, element(env, given.at[which], k), napi_float32_array, &floats);
      if (n >= program.sizes.size() || (int64_t)floats != program.sizes[n]) throw Failure{"an array of another size"};
      if (which == 2) wish(data, (int64_t)floats);
      blocks.push_back(data);
    }
  }
  if (n != program.sizes.size()) throw Failure{"arrays are missing"};
  run(program, kernels(), blocks.data(), (int)whole(env, given.at[3]));
  if (scratch.size > keptFloats) scratch.release();
  return nullptr;
}

}  // namespace

NAPI_MODULE_INIT() {
  try {
    give<pack>(env, exports, "pack");
    give<compile>(env, exports, "compile");
    give<runProgram>(env, exports, "run");
    napi_value name;
    CALL(napi_create_string_utf8(env, kernels().name, NAPI_AUTO_LENGTH, &name));
    CALL(napi_set_named_property(env, exports, "instructions", name));
  } catch (const Failure& failure) {
    napi_throw_error(env, nullptr, failure.message);
  }
  return exports;
}
