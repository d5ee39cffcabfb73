// The arithmetic, written with the compilers' vector types and compiled once for each instruction set: SET is its name, LANES the floats of a register.

#include "kernels.h"
#include <cmath>
#include <cstring>

namespace {

typedef float V __attribute__((vector_size(LANES * 4)));
typedef int32_t I __attribute__((vector_size(LANES * 4)));

constexpr int64_t lanes = LANES;
constexpr int64_t panelColumns = 2 * lanes;

inline V load(const float* at) { V x; std::memcpy(&x, at, sizeof(V)); return x; }
inline void store(float* at, V x) { std::memcpy(at, &x, sizeof(V)); }
inline V splat(float x) { return x - V{}; }
inline V some(const float* at, int64_t count) { V x{}; std::memcpy(&x, at, count * sizeof(float)); return x; }
inline void some(float* at, V x, int64_t count) { std::memcpy(at, &x, count * sizeof(float)); }

// Products. ROWS x PANELS * panelColumns sums are kept in registers over the whole inner axis.

template <int ROWS, int PANELS>
inline void tile(int64_t inner, int64_t columns, const float* a, int64_t aRow, const float* b, const float* d, int64_t dRow, float* c, int64_t cRow) {
  constexpr int width = 2 * PANELS;
  V sums[ROWS][width];
#pragma GCC unroll 8
  for (int m = 0; m < ROWS; m++) {
#pragma GCC unroll 8
    for (int n = 0; n < width; n++) {
      const int64_t left = columns - n * lanes;
      sums[m][n] = d == nullptr || left <= 0 ? V{} : left >= lanes ? load(d + m * dRow + n * lanes) : some(d + m * dRow + n * lanes, left);
    }
  }
  for (int64_t k = 0; k < inner; k++) {
    V right[width];
#pragma GCC unroll 8
    for (int n = 0; n < width; n++) right[n] = load(b + (n / 2) * inner * panelColumns + k * panelColumns + (n % 2) * lanes);
#pragma GCC unroll 8
    for (int m = 0; m < ROWS; m++) {
      const V left = splat(a[m * aRow + k]);
#pragma GCC unroll 8
      for (int n = 0; n < width; n++) sums[m][n] += left * right[n];
    }
  }
#pragma GCC unroll 8
  for (int m = 0; m < ROWS; m++) {
#pragma GCC unroll 8
    for (int n = 0; n < width; n++) {
      const int64_t left = columns - n * lanes;
      if (left >= lanes) store(c + m * cRow + n * lanes, sums[m][n]);
      else if (left > 0) some(c + m * cRow + n * lanes, sums[m][n], left);
    }
  }
}

// As many sums as there are registers for: one row takes several panels, so that additions need not wait for one another.
#if LANES == 16
constexpr int most = 8;
#elif LANES == 8
constexpr int most = 6;
#else
constexpr int most = 4;
#endif

template <int ROWS>
inline void strip(int64_t inner, int64_t columns, const float* a, int64_t aRow, const float* b, const float* d, int64_t dRow, float* c, int64_t cRow) {
  constexpr int panels = ROWS == 1 ? 4 : ROWS <= most / 2 ? 2 : 1;
  constexpr int64_t width = panels * panelColumns;
  int64_t n = 0;
  for (; columns - n > (panels - 1) * panelColumns; n += width) {
    tile<ROWS, panels>(inner, columns - n, a, aRow, b + n * inner, d == nullptr ? d : d + n, dRow, c + n, cRow);
  }
  for (; n < columns; n += panelColumns) tile<ROWS, 1>(inner, columns - n, a, aRow, b + n * inner, d == nullptr ? d : d + n, dRow, c + n, cRow);
}

void product(int64_t rows, int64_t inner, int64_t columns, const float* a, int64_t aRow, const float* b, const float* d, int64_t dRow, float* c, int64_t cRow) {
  // A panel of b stays in the nearest cache while all rows pass it.
  const int64_t whole = rows - rows % most;
  if (whole > 0) {
    for (int64_t n = 0; n < columns; n += panelColumns) {
      for (int64_t m = 0; m < whole; m += most) {
        tile<most, 1>(inner, columns - n, a + m * aRow, aRow, b + n * inner, d == nullptr ? d : d + m * dRow + n, dRow, c + m * cRow + n, cRow);
      }
    }
  }
  a += whole * aRow;
  c += whole * cRow;
  if (d != nullptr) d += whole * dRow;
  switch (rows - whole) {
    case 1: strip<1>(inner, columns, a, aRow, b, d, dRow, c, cRow); break;
    case 2: strip<2>(inner, columns, a, aRow, b, d, dRow, c, cRow); break;
    case 3: strip<3>(inner, columns, a, aRow, b, d, dRow, c, cRow); break;
#if LANES >= 8
    case 4: strip<4>(inner, columns, a, aRow, b, d, dRow, c, cRow); break;
    case 5: strip<5>(inner, columns, a, aRow, b, d, dRow, c, cRow); break;
#endif
#if LANES == 16
    case 6: strip<6>(inner, columns, a, aRow, b, d, dRow, c, cRow); break;
    case 7: strip<7>(inner, columns, a, aRow, b, d, dRow, c, cRow); break;
#endif
  }
}

// Functions of one number. The polynomials of exp and tanh are those of expf and tanhf in Moshier's Cephes library: within two units in the last place.

inline V absolute(V x) { return (V)((I)x & 0x7fffffff); }
inline V withSign(V x, V of) { return (V)((I)x | ((I)of & (int32_t)0x80000000)); }

inline V power2(I n) { return (V)((n + 127) << 23); }

inline V exponential(V x) {
  x = x > 89.f ? splat(89.f) : x;
  x = x < -104.f ? splat(-104.f) : x;
  const V shifted = x * 1.44269504088896341f + 12582912.f;
  const V whole = shifted - 12582912.f;
  V rest = x - whole * 0.693359375f;
  rest = rest + whole * 2.12194440e-4f;
  V y = splat(1.9875691500e-4f);
  y = y * rest + 1.3981999507e-3f;
  y = y * rest + 8.3334519073e-3f;
  y = y * rest + 4.1665795894e-2f;
  y = y * rest + 1.6666665459e-1f;
  y = y * rest + 5.0000001201e-1f;
  y = y * rest * rest + rest + 1.f;
  // In two factors: one alone would leave the range before the result does.
  const I n = (I)shifted - 0x4b400000;
  const I half = n >> 1;
  return y * power2(half) * power2(n - half);
}

inline V sigmoid(V x) {
  const V power = exponential(-absolute(x));
  // Never by a power that is too large for a float.
  return (x < 0.f ? power : splat(1.f)) / (1.f + power);
}

inline V hyperbolicTangent(V x) {
  const V size = absolute(x);
  const V far = 1.f - 2.f / (exponential(size + size) + 1.f);
  const V z = x * x;
  V y = splat(-5.70498872745e-3f);
  y = y * z + 2.06390887954e-2f;
  y = y * z - 5.37397155531e-2f;
  y = y * z + 1.33314422036e-1f;
  y = y * z - 3.33332819422e-1f;
  const V near = y * z * x + x;
  return size < 0.625f ? near : withSign(far, x);
}

template <class F>
inline V each(V x, F f) {
  for (int n = 0; n < lanes; n++) x[n] = f(x[n]);
  return x;
}

inline V truth(I mask) { return (V)(mask & (I)splat(1.f)); }

// Loops. Strides other than 0 and 1 go through a short array of their own.

inline V taken(Operand x, int64_t n) { return x.stride == 0 ? splat(*x.at) : load(x.at + n); }
inline V taken(Operand x, int64_t n, int64_t left) { return x.stride == 0 ? splat(*x.at) : some(x.at + n, left); }

template <class F>
inline void unary(int64_t count, float* to, Operand a, F f) {
  if (a.stride == 0) {
    const V y = f(splat(*a.at));
    int64_t n = 0;
    for (; n + lanes <= count; n += lanes) store(to + n, y);
    if (n < count) some(to + n, y, count - n);
    return;
  }
  int64_t n = 0;
  for (; n + lanes <= count; n += lanes) store(to + n, f(load(a.at + n)));
  if (n < count) some(to + n, f(some(a.at + n, count - n)), count - n);
}

template <class F>
inline void binary(int64_t count, float* to, Operand a, Operand b, F f) {
  int64_t n = 0;
  if (a.stride == 0) {
    const V x = splat(*a.at);
    for (; n + lanes <= count; n += lanes) store(to + n, f(x, taken(b, n)));
  } else if (b.stride == 0) {
    const V y = splat(*b.at);
    for (; n + lanes <= count; n += lanes) store(to + n, f(load(a.at + n), y));
  } else {
    for (; n + lanes <= count; n += lanes) store(to + n, f(load(a.at + n), load(b.at + n)));
  }
  if (n < count) some(to + n, f(taken(a, n, count - n), taken(b, n, count - n)), count - n);
}

template <class F>
inline void ternary(int64_t count, float* to, Operand a, Operand b, Operand c, F f) {
  int64_t n = 0;
  for (; n + lanes <= count; n += lanes) store(to + n, f(taken(a, n), taken(b, n), taken(c, n)));
  if (n < count) some(to + n, f(taken(a, n, count - n), taken(b, n, count - n), taken(c, n, count - n)), count - n);
}

inline void chosen(int64_t count, float* to, Operand x) {
  if (x.at != to || x.stride != 1) unary(count, to, x, [](V x) { return x; });
}

/** All operands with stride 0 or 1, the target with stride 1. */
void dense(int32_t op, int64_t count, float* to, const Operand* x) {
  const Operand a = x[0];
  switch (op) {
    case COPY: return unary(count, to, a, [](V x) { return x; });
    case NEG: return unary(count, to, a, [](V x) { return -x; });
    case ABS: return unary(count, to, a, [](V x) { return absolute(x); });
    case SQUARE: return unary(count, to, a, [](V x) { return x * x; });
    case SQRT: return unary(count, to, a, [](V x) { return each(x, [](float x) { return std::sqrt(x); }); });
    case RSQRT: return unary(count, to, a, [](V x) { return 1.f / each(x, [](float x) { return std::sqrt(x); }); });
    case EXP: return unary(count, to, a, [](V x) { return exponential(x); });
    case LOG: return unary(count, to, a, [](V x) { return each(x, [](float x) { return std::log(x); }); });
    case LOG1P: return unary(count, to, a, [](V x) { return each(x, [](float x) { return std::log1p(x); }); });
    case EXPM1: return unary(count, to, a, [](V x) { return each(x, [](float x) { return std::expm1(x); }); });
    case TANH: return unary(count, to, a, [](V x) { return hyperbolicTangent(x); });
    case SIGMOID: return unary(count, to, a, [](V x) { return sigmoid(x); });
    case RELU: return unary(count, to, a, [](V x) { return x < 0.f ? V{} : x; });
    case ERF: return unary(count, to, a, [](V x) { return each(x, [](float x) { return std::erf(x); }); });
    case FLOOR: return unary(count, to, a, [](V x) { return each(x, [](float x) { return std::floor(x); }); });
    case SIGN: return unary(count, to, a, [](V x) { return x > 0.f ? splat(1.f) : x < 0.f ? splat(-1.f) : x; });
    case SOFTPLUS: return unary(count, to, a, [](V x) { return each(x, [](float x) { return (x < 0 ? 0 : x) + std::log1p(std::exp(-std::fabs(x))); }); });
    case TRUNC: return unary(count, to, a, [](V x) { return each(x, [](float x) { return std::trunc(x); }); });
  }
  const Operand b = x[1];
  switch (op) {
    case ADD: return binary(count, to, a, b, [](V x, V y) { return x + y; });
    case SUB: return binary(count, to, a, b, [](V x, V y) { return x - y; });
    case MUL: return binary(count, to, a, b, [](V x, V y) { return x * y; });
    case DIV: return binary(count, to, a, b, [](V x, V y) { return x / y; });
    case POW: return binary(count, to, a, b, [](V x, V y) { for (int n = 0; n < lanes; n++) x[n] = std::pow(x[n], y[n]); return x; });
    // What is not a number stays so.
    case MIN: return binary(count, to, a, b, [](V x, V y) { const V least = x < y ? x : y; return x != x ? x : least; });
    case MAX: return binary(count, to, a, b, [](V x, V y) { const V most = x > y ? x : y; return x != x ? x : most; });
    case EQUAL: return binary(count, to, a, b, [](V x, V y) { return truth(x == y); });
    case NOT_EQUAL: return binary(count, to, a, b, [](V x, V y) { return truth(x != y); });
    case LESS: return binary(count, to, a, b, [](V x, V y) { return truth(x < y); });
    case LESS_EQUAL: return binary(count, to, a, b, [](V x, V y) { return truth(x <= y); });
    case GREATER: return binary(count, to, a, b, [](V x, V y) { return truth(x > y); });
    case GREATER_EQUAL: return binary(count, to, a, b, [](V x, V y) { return truth(x >= y); });
    case WHERE:
      // One choice for all: that may be what lies there already.
      if (a.stride == 0) return chosen(count, to, *a.at != 0.f ? b : x[2]);
      return ternary(count, to, a, b, x[2], [](V mask, V x, V y) { return mask != 0.f ? x : y; });
  }
}

constexpr int64_t chunk = 256;

void pointwise(int32_t op, int64_t count, float* to, int64_t stride, const Operand* x) {
  const int operands = op < ADD ? 1 : op < WHERE ? 2 : 3;
  bool straight = stride == 1;
  for (int n = 0; n < operands; n++) straight = straight && (x[n].stride == 0 || x[n].stride == 1);
  if (straight) return dense(op, count, to, x);
  float place[4][chunk];
  for (int64_t from = 0; from < count; from += chunk) {
    const int64_t size = count - from < chunk ? count - from : chunk;
    Operand own[3];
    for (int k = 0; k < operands; k++) {
      if (x[k].stride == 0) own[k] = x[k];
      else if (x[k].stride == 1) own[k] = {x[k].at + from, 1};
      else {
        for (int64_t n = 0; n < size; n++) place[k][n] = x[k].at[(from + n) * x[k].stride];
        own[k] = {place[k], 1};
      }
    }
    float* const target = stride == 1 ? to + from : place[3];
    dense(op, size, target, own);
    if (stride != 1) for (int64_t n = 0; n < size; n++) to[(from + n) * stride] = place[3][n];
  }
}

inline V reduced(int32_t op, V x, V y) {
  switch (op) {
    case SUM: return x + y;
    case PROD: return x * y;
    case LEAST: { const V least = x < y ? x : y; return x != x ? x : least; }
    default: { const V most = x > y ? x : y; return x != x ? x : most; }
  }
}

template <int OP>
float reduceBy(int64_t count, Operand x, float start) {
  V all = splat(OP == SUM ? 0.f : OP == PROD ? 1.f : OP == LEAST ? INFINITY : -INFINITY);
  int64_t n = 0;
  if (x.stride == 1) for (; n + lanes <= count; n += lanes) all = reduced(OP, all, load(x.at + n));
  for (int lane = 0; n < count; n++, lane = (lane + 1) % lanes) {
    V own = splat(x.at[n * x.stride]);
    all[lane] = reduced(OP, splat(all[lane]), own)[0];
  }
  for (int k = 0; k < lanes; k++) start = reduced(OP, splat(start), splat(all[k]))[0];
  return start;
}

float reduce(int32_t op, int64_t count, Operand x, float start) {
  switch (op) {
    case SUM: return reduceBy<SUM>(count, x, start);
    case PROD: return reduceBy<PROD>(count, x, start);
    case LEAST: return reduceBy<LEAST>(count, x, start);
    default: return reduceBy<MOST>(count, x, start);
  }
}

}  // namespace

#define JOIN(a, b) a##b
#define NAME(set) JOIN(kernels_, set)
#define TEXT(set) #set
#define QUOTED(set) TEXT(set)
extern "C" const Kernels NAME(SET);
const Kernels NAME(SET) = {QUOTED(SET), panelColumns, product, pointwise, reduce};
