// What the program interpreter needs of a processor: one table of functions, made once for each instruction set (kernels.cc).
#pragma once
#include <cstdint>

// The codes of pointwise operations, in the order of `pointwise` in code.ts.
enum Pointwise : int32_t {
  COPY, NEG, ABS, SQUARE, SQRT, RSQRT, EXP, LOG, LOG1P, EXPM1, TANH, SIGMOID, RELU, ERF, FLOOR, SIGN, SOFTPLUS, TRUNC,
  ADD, SUB, MUL, DIV, POW, MIN, MAX, EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL,
  WHERE
};

enum Reduction : int32_t { SUM, PROD, LEAST, MOST };

struct Operand {
  const float* at;
  // In floats, from one entry to the next; 0: the same for all.
  int64_t stride;
};

struct Kernels {
  const char* name;
  // Columns of one packed panel of a product's right side.
  int64_t panel;
  // c[m][n] = d[m][n] + sum over k, in its order, of a[m][k] * b[k][n]; d null: zeros. b is packed: panels of columns, each [k][panel], the last one filled up with zeros.
  // A row's result does not depend on the other rows.
  void (*product)(int64_t rows, int64_t inner, int64_t columns, const float* a, int64_t aRow, const float* b, const float* d, int64_t dRow, float* c, int64_t cRow);
  void (*pointwise)(int32_t op, int64_t count, float* to, int64_t stride, const Operand* operands);
  float (*reduce)(int32_t op, int64_t count, Operand x, float start);
};

extern "C" const Kernels kernels_base;
#if defined(__x86_64__)
extern "C" const Kernels kernels_avx2;
extern "C" const Kernels kernels_avx512;
#endif
