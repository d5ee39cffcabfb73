// The reader of lists' face to Node (Node-API): read() as the processor can, and portable(), as any can.

#include "../../node-api.h"
#include "numbers.h"

namespace {

const Readers& best() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return read_list_avx2;
#endif
  return read_list_base;
}

const Readers& base() { return read_list_base; }

// read(bytes, from, into, found): as float32 or as doubles, as `into` has them; what came of the list whose first bracket stands at `from` (Outcome); `found` gets the place after its last bracket, how many numbers there are, and the sizes of its axes.
template <const Readers& (*choose)()>
napi_value read(napi_env env, napi_callback_info info) {
  static const Readers& readers = choose();
  const Arguments<4> given(env, info);
  size_t size, room, places;
  const char* const bytes = (const char*)array<uint8_t>(env, given.at[0], napi_uint8_array, &size);
  const int64_t from = whole(env, given.at[1]);
  double* const found = array<double>(env, given.at[3], napi_float64_array, &places);
  if (from < 0 || from > (int64_t)size || places < 2 + deepest) throw Failure{"a place outside of its array"};
  napi_typedarray_type type;
  void* into;
  CALL(napi_get_typedarray_info(env, given.at[2], &type, &room, &into, nullptr, nullptr));
  if (type != napi_float32_array && type != napi_float64_array) throw Failure{"an array of another type"};
  List list;
  const Outcome outcome = type == napi_float32_array ? readers.singles(bytes, bytes + from, bytes + size, (float*)into, (int64_t)room, list)
    : readers.doubles(bytes, bytes + from, bytes + size, (double*)into, (int64_t)room, list);
  if (outcome == READ) {
    found[0] = (double)(list.end - bytes);
    found[1] = (double)list.count;
    for (int32_t axis = 0; axis < deepest; axis++) found[2 + axis] = axis < list.rank ? (double)list.shape[axis] : 0;
  }
  napi_value result;
  CALL(napi_create_int32(env, outcome, &result));
  return result;
}

}  // namespace

NAPI_MODULE_INIT() {
  try {
    give<read<best>>(env, exports, "read");
    give<read<base>>(env, exports, "portable");
  } catch (const Failure& failure) {
    napi_throw_error(env, nullptr, failure.message);
  }
  return exports;
}
