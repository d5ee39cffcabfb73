// Compiled once for each instruction set: SET is its name.

#include "numbers.h"
#include <algorithm>
#include <bit>
#include <cstring>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

static_assert(std::endian::native == std::endian::little, "the first of several digits is the lowest byte");

namespace {

using uint128 = unsigned __int128;

// Numbers of more digits than fit in 64 bits, and powers beyond 10^-54 and 10^54, are not read here.
constexpr int64_t digits = 19, most = 54;

// 5^q, shifted so that its highest bit is the 128th and cut off there; of a negative q the next larger one.
struct Fives {
  uint128 at[2 * most + 1];
  constexpr Fives() : at() {
    uint128 power = 1;
    for (int64_t q = 0; q <= most; q++, power *= 5) {
      uint128 up = power;
      while (up >> 127 == 0) up <<= 1;
      at[most + q] = up;
      if (q == 0) continue;
      // Long division of a power of two, as far as there are 128 bits.
      uint128 left = 1, quotient = 0;
      while (quotient >> 127 == 0) {
        left <<= 1;
        quotient = quotient << 1 | (left >= power);
        if (left >= power) left -= power;
      }
      at[most - q] = quotient + 1;
    }
  }
};
constexpr Fives fives;

struct Tens {
  uint64_t at[digits + 1];
  constexpr Tens() : at() {
    at[0] = 1;
    for (int64_t n = 1; n <= digits; n++) at[n] = at[n - 1] * 10;
  }
};
constexpr Tens tens;

// mantissa * 10^q as the nearest double, ties to even, for a mantissa other than 0 and |q| <= most, so that no result is too large or too small for one. The algorithm is Eisel's and
// Lemire's (Lemire, Number Parsing at a Gigabyte per Second, 2021), which needs no other to fall back to (Mushtak and Lemire, Fast Number Parsing Without Fallback, 2023).
inline double nearest(uint64_t mantissa, int64_t q) {
  const int zeros = std::countl_zero(mantissa);
  mantissa <<= zeros;
  const uint128 five = fives.at[most + q];
  uint128 product = (uint128)mantissa * (uint64_t)(five >> 64);
  // Only where all bits below those that count are ones, what the lower half of the power adds can reach them.
  if ((uint64_t)(product >> 64 & 0x1ff) == 0x1ff) product += (uint128)mantissa * (uint64_t)five >> 64;
  const uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
  const int carried = (int)(high >> 63), down = carried + 9;
  uint64_t bits = high >> down;
  // Halfway between two doubles, to the even one. That is exact for small powers alone.
  if (low <= 1 && q >= -4 && q <= 23 && (bits & 3) == 1 && bits << down == high) bits--;
  bits += bits & 1;
  // 217706 / 2^16 is log2(10), near enough for these powers. The highest of the 53 bits, which a double does not have, adds one to its exponent, and so does a carry beyond it.
  const int64_t exponent = (217706 * q >> 16) + 63 + carried - zeros;
  return std::bit_cast<double>(((uint64_t)(exponent + 1022) << 52) + (bits >> 1));
}

#if defined(__AVX2__)

constexpr int64_t window = 32;

// From its entry `count` on it lets the last `count` of 32 bytes through.
struct Masks {
  uint8_t at[2 * window];
  constexpr Masks() : at() { std::fill(at + window, at + 2 * window, 0xff); }
};
constexpr Masks masks;

inline __m256i values(const char* at) { return _mm256_sub_epi8(_mm256_loadu_si256((const __m256i*)at), _mm256_set1_epi8('0')); }

// One bit for each byte of a window: whether it is a digit.
inline uint32_t numeric(const char* at) {
  const __m256i nine = _mm256_set1_epi8(9);
  return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_max_epu8(values(at), nine), nine));
}

// How many digits stand at `at`, up to a window.
inline int64_t length(const char* at) { return std::countr_one(numeric(at)); }

// The number that the last `count` of a window of digits make which ends at `end`; whether it has no more than `digits`.
inline bool joined(const char* end, int64_t count, uint64_t& number) {
  __m256i sums = _mm256_and_si256(values(end - window), _mm256_loadu_si256((const __m256i*)(masks.at + count)));
  sums = _mm256_maddubs_epi16(sums, _mm256_set1_epi16(1 << 8 | 10));
  sums = _mm256_madd_epi16(sums, _mm256_set1_epi32(1 << 16 | 100));
  sums = _mm256_packus_epi32(sums, sums);
  sums = _mm256_madd_epi16(sums, _mm256_set1_epi32(1 << 16 | 10000));
  const uint64_t early = (uint64_t)_mm256_extract_epi64(sums, 0), late = (uint64_t)_mm256_extract_epi64(sums, 2);
  number = ((early >> 32) * 100'000'000 + (uint32_t)late) * 100'000'000 + (late >> 32);
  return (uint32_t)early == 0 && early >> 32 < 1000;
}

#else

constexpr int64_t window = 24;

inline uint64_t values(const char* at) {
  uint64_t word;
  std::memcpy(&word, at, 8);
  return word ^ 0x3030303030303030;
}

// One bit for each of eight bytes, set in those that are no digits, right up to the first of them.
inline uint64_t others(const char* at) {
  const uint64_t word = values(at);
  return (((word + 0x7676767676767676 | word) & 0x8080808080808080) >> 7) * 0x0102040810204080 >> 56;
}

inline int64_t length(const char* at) { return std::countr_zero(others(at) | others(at + 8) << 8 | others(at + 16) << 16 | 1ull << window); }

// The last `count` of the eight digits that end at `end`; no branch, as digits cannot be foreseen.
inline uint64_t eight(const char* end, int64_t count) {
  const int64_t half = 4 * (8 - std::clamp<int64_t>(count, 0, 8));
  uint64_t word = values(end - 8) >> half >> half << half << half;
  word = word * 10 + (word >> 8);
  return ((word & 0x000000ff000000ff) * 0x000f424000000064 + (word >> 16 & 0x000000ff000000ff) * 0x0000271000000001) >> 32;
}

inline bool joined(const char* end, int64_t count, uint64_t& number) {
  const uint64_t early = eight(end - 16, count - 16);
  number = (early * 100'000'000 + eight(end - 8, count - 8)) * 100'000'000 + eight(end, count);
  return early < 1000;
}

#endif

// From here on a number is infinite as float32: half a step above the largest.
constexpr double tooLarge = 0x1.ffffffp+127;

inline bool blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

struct Reader {
  const char* const begin;
  const char* at;
  const char* const end;

  // The first byte from here on that is no blank; 0 where there is none.
  char next() {
    while (at < end && blank(*at)) at++;
    return at < end ? *at : 0;
  }

  // The digits from here on: at least one.
  bool whole(uint64_t& number) {
    const char* const from = at;
    for (number = 0; at < end && (uint8_t)(*at - '0') <= 9; at++) number = number * 10 + (uint8_t)(*at - '0');
    return at > from && at - from <= digits;
  }

  // The same of a fraction, which is longer; `count` of them.
  bool fraction(uint64_t& number, int64_t& count) {
    if (end - at < window || at - begin < window) {
      const char* const from = at;
      while (at < end && *at == '0') at++;
      const char* const first = at;
      const bool good = whole(number) || (first > from && at == first);
      count = at - from;
      return good;
    }
    count = length(at);
    at += count;
    return count > 0 && count < window && joined(at, count, number);
  }

  // A number that has a point and no power, with room on both sides: most are. No bound is looked at, as little as can be waits for the bytes before, and signs and digits make no
  // branch, as they cannot be foreseen. False, and no more than a blank read, for all others.
  [[gnu::always_inline]] bool plain(double& to) {
#if defined(__AVX2__)
    if (end - at < 2 * window || at - begin < window) return false;
    if (*at == ' ') at++;
    const int64_t minus = *at == '-';
    // The bytes that are no digits, but for the sign: the point, and what ends the number.
    const uint32_t others = ~numeric(at) & ~(uint32_t)minus, behind = others & (others - 1);
    const int64_t point = std::countr_zero(others), stop = std::countr_zero(behind), count = stop - point - 1;
    const char* const first = at + minus;
    if (behind == 0 || at[point] != '.' || count == 0 || point == minus || (at[stop] | 32) == 'e') return false;
    uint64_t mantissa = (uint8_t)(*first - '0'), fraction;
    for (const char* digit = first + 1; digit < at + point; digit++) mantissa = mantissa * 10 + (uint8_t)(*digit - '0');
    if ((point > minus + 1 && *first == '0') || !joined(at + stop, count, fraction) || point - minus + count > digits) return false;
    mantissa = mantissa * tens.at[count] + fraction;
    at += stop;
    return finish(minus, mantissa, -count, to);
#else
    return false;
#endif
  }

  bool number(double& to) {
    const bool minus = next() == '-';
    at += minus;
    const char* const from = at;
    uint64_t mantissa;
    int64_t q = 0;
    if (!whole(mantissa) || (at > from + 1 && *from == '0')) return false;
    if (at < end && *at == '.') {
      at++;
      uint64_t behind;
      int64_t count;
      if (!fraction(behind, count) || mantissa >= tens.at[std::max<int64_t>(digits - count, 0)]) return false;
      mantissa = mantissa * tens.at[std::min(count, digits)] + behind;
      q = -count;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
      at++;
      const bool down = at < end && *at == '-';
      at += down || (at < end && *at == '+');
      uint64_t exponent;
      if (!whole(exponent) || exponent > 1000) return false;
      q += down ? -(int64_t)exponent : (int64_t)exponent;
    }
    return (mantissa == 0 || (q >= -most && q <= most)) && finish(minus, mantissa, q, to);
  }

  // Whether it is finite as float32.
  static bool finish(uint64_t minus, uint64_t mantissa, int64_t q, double& to) {
    const double size = mantissa == 0 ? 0. : nearest(mantissa, q);
    to = std::bit_cast<double>(std::bit_cast<uint64_t>(size) | minus << 63);
    return size < tooLarge;
  }
};

template <class Number>
Outcome readList(const char* begin, const char* from, const char* end, Number* into, int64_t room, List& list) {
  Reader reader{begin, from, end};
  list.rank = 0;
  list.count = 0;
  for (; reader.next() == '['; reader.at++) {
    if (list.rank == deepest) return OTHER;
    list.shape[list.rank++] = 0;
  }
  if (list.rank == 0) return OTHER;
  const int32_t last = list.rank - 1;
  // Entries so far of the lists that are open.
  int64_t counts[deepest] = {};
  for (;;) {
    // A row, from behind its bracket up to its last one.
    for (char c = ','; c != ']'; counts[last]++) {
      if (list.count == room) return FULL;
      double number;
      if (!reader.plain(number) && !reader.number(number)) return OTHER;
      into[list.count++] = (Number)number;
      c = reader.next();
      if (c != ',' && c != ']') return OTHER;
      reader.at += c == ',';
    }
    // What is full is closed, and the next row opened.
    int32_t axis = last;
    for (; axis >= 0 && reader.next() == ']'; axis--) {
      reader.at++;
      if (list.shape[axis] == 0) list.shape[axis] = counts[axis];
      else if (list.shape[axis] != counts[axis]) return OTHER;
      counts[axis] = 0;
      if (axis > 0) counts[axis - 1]++;
    }
    if (axis < 0) break;
    if (reader.next() != ',') return OTHER;
    for (reader.at++; axis < last; axis++, reader.at++) if (reader.next() != '[') return OTHER;
  }
  list.end = reader.at;
  return READ;
}

}  // namespace

#define JOINED(a, b) a##b
#define NAME(set) JOINED(read_list_, set)
extern const Readers NAME(SET);
const Readers NAME(SET) = {readList<float>, readList<double>};
