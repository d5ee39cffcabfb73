// copy(from, to, sum): bytes copied, and the CRC-32 (ISO 3309, as zip has it) of what came before them carried on over them, in one pass. Absent where the processor cannot multiply four
// polynomials at once.

#include "../../node-api.h"
#include <array>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace {

// Bits reversed, so that the lowest power of x is the highest bit.
constexpr uint32_t polynomial = 0xedb88320;

constexpr uint32_t timesX(uint32_t value) { return value >> 1 ^ (value & 1 ? polynomial : 0); }

constexpr std::array<uint32_t, 256> table = [] {
  std::array<uint32_t, 256> sums{};
  for (uint32_t byte = 0; byte < 256; byte++) {
    sums[byte] = byte;
    for (int bit = 0; bit < 8; bit++) sums[byte] = timesX(sums[byte]);
  }
  return sums;
}();

uint32_t byByte(const uint8_t* from, int64_t size, uint32_t sum) {
  for (int64_t n = 0; n < size; n++) sum = sum >> 8 ^ table[(sum ^ from[n]) & 255];
  return sum;
}

#if defined(__x86_64__)

// What 64 bits are multiplied by to be carried over to others that stand so many bits later: x^bits, one bit up as a product of reversed numbers is one short.
constexpr uint64_t power(int bits) {
  uint32_t value = 0x80000000;
  for (int n = 0; n < bits; n++) value = timesX(value);
  return (uint64_t)value << 1;
}

#define WITH_PRODUCTS [[gnu::target("avx512f,avx512vl,pclmul,vpclmulqdq")]]

// Folding as in Gopal et al., Fast CRC Computation for Generic Polynomials Using PCLMULQDQ (Intel, 2009): 128 bits are carried over by `distance` bits, and added to those there.
template <int distance>
WITH_PRODUCTS inline __m512i folded(__m512i early, __m512i late) {
  const __m512i powers = _mm512_broadcast_i32x4(_mm_set_epi64x((int64_t)power(distance - 32), (int64_t)power(distance + 32)));
  return _mm512_ternarylogic_epi64(_mm512_clmulepi64_epi128(early, powers, 0x00), _mm512_clmulepi64_epi128(early, powers, 0x11), late, 0x96);
}

template <int distance>
WITH_PRODUCTS inline __m128i folded(__m128i early, __m128i late) {
  const __m128i powers = _mm_set_epi64x((int64_t)power(distance - 32), (int64_t)power(distance + 32));
  return _mm_xor_si128(_mm_xor_si128(_mm_clmulepi64_si128(early, powers, 0x00), _mm_clmulepi64_si128(early, powers, 0x11)), late);
}

// A line of 64 bytes, copied on the way.
WITH_PRODUCTS inline __m512i line(const uint8_t*& from, uint8_t*& to) {
  const __m512i bytes = _mm512_loadu_si512(from);
  _mm512_storeu_si512(to, bytes);
  from += 64;
  to += 64;
  return bytes;
}

WITH_PRODUCTS uint32_t copied(const uint8_t* from, uint8_t* to, int64_t size, uint32_t sum) {
  if (size >= 256) {
    // The sum so far is added to what follows it.
    __m512i a = _mm512_xor_si512(_mm512_zextsi128_si512(_mm_cvtsi32_si128((int)sum)), line(from, to)), b = line(from, to), c = line(from, to), d = line(from, to);
    for (size -= 256; size >= 256; size -= 256) {
      a = folded<2048>(a, line(from, to));
      b = folded<2048>(b, line(from, to));
      c = folded<2048>(c, line(from, to));
      d = folded<2048>(d, line(from, to));
    }
    a = folded<512>(folded<512>(folded<512>(a, b), c), d);
    const __m128i two = folded<128>(_mm512_extracti32x4_epi32(a, 0), _mm512_extracti32x4_epi32(a, 1));
    const __m128i one = folded<128>(folded<128>(two, _mm512_extracti32x4_epi32(a, 2)), _mm512_extracti32x4_epi32(a, 3));
    uint8_t left[16];
    std::memcpy(left, &one, 16);
    sum = byByte(left, 16, 0);
  }
  std::memcpy(to, from, (size_t)size);
  return byByte(from, size, sum);
}

bool can() { return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("vpclmulqdq"); }

#else

uint32_t copied(const uint8_t*, uint8_t*, int64_t, uint32_t sum) { return sum; }
bool can() { return false; }

#endif

napi_value copy(napi_env env, napi_callback_info info) {
  const Arguments<3> given(env, info);
  size_t size, room;
  const uint8_t* const from = array<uint8_t>(env, given.at[0], napi_uint8_array, &size);
  uint8_t* const to = array<uint8_t>(env, given.at[1], napi_uint8_array, &room);
  if (room != size) throw Failure{"arrays of two sizes"};
  napi_value result;
  CALL(napi_create_uint32(env, ~copied(from, to, (int64_t)size, ~(uint32_t)whole(env, given.at[2])), &result));
  return result;
}

}  // namespace

NAPI_MODULE_INIT() {
  try {
    if (can()) give<copy>(env, exports, "copy");
  } catch (const Failure& failure) {
    napi_throw_error(env, nullptr, failure.message);
  }
  return exports;
}
