// A list of JSON numbers, from its bytes to an array: made once for each instruction set (numbers.cc).
#pragma once
#include <cstdint>

enum Outcome : int32_t {
  READ,
  // Something else than a regular list of plain numbers that are finite as float32, or a number of more digits than are read here.
  OTHER,
  // There is no room for so many.
  FULL
};

// Lists nested deeper are not read here.
constexpr int32_t deepest = 16;

struct List {
  // The byte after its last bracket.
  const char* end;
  int64_t count;
  int32_t rank;
  int64_t shape[deepest];
};

// Reads `[[1, -2.5e-3], [0, 1]]`, whose first bracket stands at `from`, into `into`: each number is the double that JSON.parse gives, or that one as float32. Looks at nothing before
// `begin`, nor at `end` and beyond.
template <class Number>
using ReadList = Outcome(const char* begin, const char* from, const char* end, Number* into, int64_t room, List& list);

struct Readers {
  ReadList<float>* singles;
  ReadList<double>* doubles;
};

extern const Readers read_list_base;
#if defined(__x86_64__)
extern const Readers read_list_avx2;
#endif
