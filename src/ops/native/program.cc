// The interpreter: walks a program's instructions, checks beforehand that all they touch is theirs, shares rows among threads.

#include "program.h"
#include "helpers.h"
#include <algorithm>
#include <memory>
#include <stdexcept>

namespace {

// An operand as it stands in the code: block, offset, floats a step, then its strides.
struct Place {
  const int32_t* code;
  int32_t block() const { return code[0]; }
  int64_t offset(int64_t step) const { return code[1] + step * code[2]; }
  int64_t stride(int n) const { return code[3 + n]; }
};

constexpr int pointwiseDims = 4;
constexpr int pointwisePlace = 3 + pointwiseDims;
constexpr int productPlace = 5;
constexpr int reduceDims = 3;

int operandsOf(int32_t op) { return op < ADD ? 1 : op < WHERE ? 2 : 3; }

// Every instruction as code.ts has it, opened once for the check and for the run.

struct PointwiseView {
  int32_t op;
  const int32_t* dims;
  int operands;
  Place at[4];
  explicit PointwiseView(const int32_t* code) : op(code[2]), dims(code + 3), operands(operandsOf(code[2])) {
    for (int n = 0; n <= operands; n++) at[n] = {code + 3 + pointwiseDims + n * pointwisePlace};
  }
};

struct ProductView {
  int32_t packed;
  int64_t outer, rows, inner, columns;
  Place a, d, c;
  explicit ProductView(const int32_t* code)
      : packed(code[2]), outer(code[3]), rows(code[4]), inner(code[5]), columns(code[6]), a{code + 7}, d{code + 7 + productPlace}, c{code + 7 + 2 * productPlace} {}
};

struct ReduceView {
  int32_t op;
  const int32_t *kept, *gone;
  Place x, to;
  explicit ReduceView(const int32_t* code) : op(code[2]), kept(code + 3), gone(code + 3 + reduceDims), x{code + 3 + 2 * reduceDims}, to{code + 3 + 2 * reduceDims + 3 + 2 * reduceDims} {}
};

struct GatherView {
  int64_t outer, count, inner, axis;
  Place x, index, to;
  explicit GatherView(const int32_t* code) : outer(code[2]), count(code[3]), inner(code[4]), axis(code[5]), x{code + 6}, index{code + 12}, to{code + 16} {}
};

struct ScanView {
  int64_t steps;
  bool reverse;
  int64_t batch;
  const int32_t *body, *end;
  explicit ScanView(const int32_t* code) : steps(code[2]), reverse(code[3] != 0), batch(code[4]), body(code + 5), end(code + code[1]) {}
};

// The check.

struct Checker {
  const Program& program;
  std::string wrong;

  void place(const Place& at, const int32_t* dims, int count, int64_t steps, bool written) {
    if (at.block() < 0 || at.block() >= (int64_t)program.sizes.size()) { wrong = "no such block"; return; }
    if (written && program.constants[at.block()] != nullptr) { wrong = "a constant is written"; return; }
    int64_t least = at.code[1], most = at.code[1];
    const auto reach = [&](int64_t size, int64_t stride) {
      if (size < 0) wrong = "a negative size";
      const int64_t far = (size - 1) * stride;
      (far < 0 ? least : most) += far;
    };
    for (int n = 0; n < count; n++) {
      if (dims[n] == 0) return;
      reach(dims[n], at.stride(n));
    }
    reach(steps, at.code[2]);
    if (least < 0 || most >= program.sizes[at.block()]) wrong = "block " + std::to_string(at.block()) + " of " + std::to_string(program.sizes[at.block()]) + " floats, from " + std::to_string(least) + " to " + std::to_string(most);
  }

  void walk(const int32_t* code, const int32_t* end, int64_t steps) {
    while (code < end && wrong.empty()) {
      if (end - code < 5 || code[1] < 5 || code[1] > end - code) { wrong = "an instruction that does not end"; return; }
      switch (code[0]) {
        case POINTWISE: {
          const PointwiseView view(code);
          if (code[1] != 3 + pointwiseDims + (view.operands + 1) * pointwisePlace || view.op < 0 || view.op > WHERE) { wrong = "a pointwise instruction"; break; }
          for (int n = 0; n <= view.operands; n++) place(view.at[n], view.dims, pointwiseDims, steps, n == 0);
          break;
        }
        case PRODUCT: {
          const ProductView view(code);
          if (code[1] != 7 + 3 * productPlace || view.packed < 0 || view.packed >= (int64_t)program.sizes.size()) { wrong = "a product"; break; }
          const int32_t left[3] = {(int32_t)view.outer, (int32_t)view.rows, (int32_t)view.inner}, right[3] = {(int32_t)view.outer, (int32_t)view.rows, (int32_t)view.columns};
          line(view.a, left, steps, false);
          if (view.d.block() >= 0) line(view.d, right, steps, false);
          line(view.c, right, steps, true);
          // Panels are checked where they are packed: as many floats as the columns, filled up, times the inner size.
          if (program.sizes[view.packed] < view.columns * view.inner) wrong = "a product's panels";
          break;
        }
        case REDUCE: {
          const ReduceView view(code);
          if (code[1] != 3 + 2 * reduceDims + 3 + 2 * reduceDims + 3 + reduceDims) { wrong = "a reduction"; break; }
          int32_t dims[2 * reduceDims];
          for (int n = 0; n < reduceDims; n++) { dims[n] = view.kept[n]; dims[reduceDims + n] = view.gone[n]; }
          place(view.x, dims, 2 * reduceDims, steps, false);
          place(view.to, dims, reduceDims, steps, true);
          break;
        }
        case GATHER: {
          const GatherView view(code);
          if (code[1] != 19) { wrong = "a gather"; break; }
          const int32_t x[3] = {(int32_t)view.outer, (int32_t)view.axis, (int32_t)view.inner}, one[1] = {(int32_t)view.count};
          place(view.x, x, 3, steps, false);
          place(view.index, one, 1, steps, false);
          const int64_t most = (int64_t)view.to.code[1] + view.outer * view.count * view.inner;
          if (view.to.block() < 0 || view.to.block() >= (int64_t)program.sizes.size() || view.to.code[1] < 0 || most > program.sizes[view.to.block()]) wrong = "what a gather gives";
          break;
        }
        case SCAN: {
          const ScanView view(code);
          if (steps != 1 || view.steps < 1) { wrong = "a loop"; break; }
          walk(view.body, view.end, view.steps);
          break;
        }
        default: wrong = "no such instruction";
      }
      code += code[1];
    }
  }

  // Rows of a product: the last axis lies together.
  void line(const Place& at, const int32_t* dims, int64_t steps, bool written) {
    const int32_t whole[6] = {at.code[0], at.code[1], at.code[2], at.code[3], at.code[4], 1};
    place({whole}, dims, 3, steps, written);
  }
};

// The run.

struct Runner {
  const Program& program;
  const Kernels& kernels;
  float* const* blocks;
  // Who shares rows; who shares the columns of one row alone, in a loop whose rows are not shared.
  Helpers *helpers, *ofColumns;

  float* at(const Place& place, int64_t step) const { return blocks[place.block()] + place.offset(step); }

  // Of the first axis only the entries from `from` on, `count` of them (all: -1).
  void pointwise(const int32_t* code, int64_t step, int64_t from, int64_t count) const {
    const PointwiseView view(code);
    int64_t n0 = view.dims[0], n1 = view.dims[1], n2 = view.dims[2], n3 = view.dims[3];
    float* base[4];
    for (int k = 0; k <= view.operands; k++) base[k] = at(view.at[k], step);
    if (count >= 0) {
      n0 = count;
      for (int k = 0; k <= view.operands; k++) base[k] += from * view.at[k].stride(0);
    }
    if (n0 == 0 || n1 == 0 || n2 == 0) return;
    if (n1 == 1 && n2 == 1 && n0 > 1) {
      bool together = true;
      for (int k = 0; k <= view.operands; k++) together = together && view.at[k].stride(0) == n3 * view.at[k].stride(3);
      if (together) { n3 *= n0; n0 = 1; }
    }
    Operand own[3];
    for (int64_t i = 0; i < n0; i++) {
      for (int64_t j = 0; j < n1; j++) {
        for (int64_t l = 0; l < n2; l++) {
          for (int k = 1; k <= view.operands; k++) own[k - 1] = {base[k] + i * view.at[k].stride(0) + j * view.at[k].stride(1) + l * view.at[k].stride(2), view.at[k].stride(3)};
          kernels.pointwise(view.op, n3, base[0] + i * view.at[0].stride(0) + j * view.at[0].stride(1) + l * view.at[0].stride(2), view.at[0].stride(3), own);
        }
      }
    }
  }

  void product(const int32_t* code, int64_t step, int64_t from, int64_t count) const {
    const ProductView view(code);
    const int64_t rows = count < 0 ? view.rows : count;
    const float* const packed = blocks[view.packed];
    for (int64_t n = 0; n < view.outer; n++) {
      const float* const a = at(view.a, step) + n * view.a.stride(0) + from * view.a.stride(1);
      const float* const d = view.d.block() < 0 ? nullptr : at(view.d, step) + n * view.d.stride(0) + from * view.d.stride(1);
      float* const c = at(view.c, step) + n * view.c.stride(0) + from * view.c.stride(1);
      const auto columns = [&](int64_t own, int64_t many) {
        kernels.product(rows, view.inner, many, a, view.a.stride(1), packed + own * view.inner, d == nullptr ? d : d + own, view.d.stride(1), c + own, view.c.stride(1));
      };
      if (ofColumns != nullptr && view.inner * view.columns >= wide) shareColumns(view.columns, columns);
      else columns(0, view.columns);
    }
  }

  // The columns of one row's product among the threads, whole panels each: a kernel that is too large for one core's second cache is read from two.
  template <class F>
  void shareColumns(int64_t columns, F work) const {
    const int64_t panels = (columns + kernels.panel - 1) / kernels.panel, parts = std::min<int64_t>(2 * (ofColumns->count() + 1), panels);
    const auto part = [&](uint32_t n) {
      const int64_t from = panels * n / parts * kernels.panel;
      work(from, std::min(panels * (n + 1) / parts * kernels.panel, columns) - from);
    };
    ofColumns->share((uint32_t)parts, std::ref(part));
  }

  void reduce(const int32_t* code, int64_t step, int64_t from, int64_t count) const {
    const ReduceView view(code);
    const int64_t rows = count < 0 ? view.kept[0] : count;
    const float start = view.op == SUM ? 0.f : view.op == PROD ? 1.f : view.op == LEAST ? __builtin_inff() : -__builtin_inff();
    float* const to = at(view.to, step) + from * view.to.stride(0);
    const float* const x = at(view.x, step) + from * view.x.stride(0);
    for (int64_t i = 0; i < rows; i++) for (int64_t j = 0; j < view.kept[1]; j++) for (int64_t l = 0; l < view.kept[2]; l++) {
      float all = start;
      const float* const own = x + i * view.x.stride(0) + j * view.x.stride(1) + l * view.x.stride(2);
      for (int64_t p = 0; p < view.gone[0]; p++) for (int64_t q = 0; q < view.gone[1]; q++) {
        all = kernels.reduce(view.op, view.gone[2], {own + p * view.x.stride(3) + q * view.x.stride(4), view.x.stride(5)}, all);
      }
      to[i * view.to.stride(0) + j * view.to.stride(1) + l * view.to.stride(2)] = all;
    }
  }

  void gather(const int32_t* code) const {
    const GatherView view(code);
    float* to = at(view.to, 0);
    for (int64_t o = 0; o < view.outer; o++) {
      for (int64_t n = 0; n < view.count; n++, to += view.inner) {
        const float index = at(view.index, 0)[n * view.index.stride(0)];
        if (!(index >= 0 && index < (float)view.axis)) throw std::out_of_range("index " + std::to_string(index) + " of an axis of " + std::to_string(view.axis));
        const Operand x = {at(view.x, 0) + o * view.x.stride(0) + (int64_t)index * view.x.stride(1), view.x.stride(2)};
        kernels.pointwise(COPY, view.inner, to, 1, &x);
      }
    }
  }

  void scan(const int32_t* code) const {
    const ScanView view(code);
    const int64_t cost = view.steps * view.batch * bodyCost(view);
    // One sequence alone has its products shared, step by step; several are shared themselves.
    const Runner own{program, kernels, blocks, nullptr, view.batch == 1 && cost >= lengthy ? helpers : nullptr};
    share(view.batch, cost, together, [&](int64_t from, int64_t count) {
      for (int64_t n = 0; n < view.steps; n++) own.walk(view.body, view.end, view.reverse ? view.steps - 1 - n : n, from, count);
    });
  }

  // Rows of a loop that go through all of its steps together: what they read and write at one step stays in the second cache, beside a kernel of 256 units.
  static constexpr int64_t together = 32;
  // Multiplications below which it does not pay to wake a second thread: some tenths of a millisecond.
  static constexpr int64_t worthwhile = 1 << 23;
  // Multiplications of one row's product from which its columns are shared: some microseconds, within which a helper is still awake from the step before.
  static constexpr int64_t wide = 1 << 17;
  // Multiplications of one sequence's loop from which that pays, as a helper is asleep when it begins.
  static constexpr int64_t lengthy = 1 << 21;
  // What a pointwise instruction takes for each number, in multiplications of a product.
  static constexpr int64_t pointwiseCost = 8;

  // Multiplications that a loop's body takes for each row, about.
  static int64_t bodyCost(const ScanView& view) {
    int64_t cost = 0;
    for (const int32_t* code = view.body; code < view.end; code += code[1]) {
      if (code[0] == PRODUCT) cost += (int64_t)code[3] * code[5] * code[6];
      if (code[0] == POINTWISE) cost += pointwiseCost * code[4] * code[5] * code[6];
    }
    return cost;
  }

  // Rows from 0 to `rows` in blocks of `most` at the most, among the threads where the `cost` of all is worth it.
  template <class F>
  void share(int64_t rows, int64_t cost, int64_t most, F work) const {
    if (rows == 0) return;
    const int64_t threads = helpers == nullptr || cost < worthwhile ? 1 : std::min<int64_t>(helpers->count() + 1, rows);
    const int64_t parts = std::max(threads, (rows + most - 1) / most);
    const auto part = [&](uint32_t n) {
      const int64_t from = rows * n / parts;
      work(from, rows * (n + 1) / parts - from);
    };
    if (threads > 1) helpers->share((uint32_t)parts, std::ref(part));
    else for (int64_t n = 0; n < parts; n++) part((uint32_t)n);
  }

  // Inside of a loop `from` and `count` are the rows of this thread; -1: no loop is around.
  void walk(const int32_t* code, const int32_t* end, int64_t step, int64_t from, int64_t count) const {
    for (; code < end; code += code[1]) {
      switch (code[0]) {
        case POINTWISE:
          if (count < 0) share(code[3], pointwiseCost * code[3] * code[4] * code[5] * code[6], code[3], [&](int64_t own, int64_t rows) { pointwise(code, step, own, rows); });
          else pointwise(code, step, from, count);
          break;
        case PRODUCT:
          if (count < 0) share(code[4], (int64_t)code[3] * code[4] * code[5] * code[6], code[4], [&](int64_t own, int64_t rows) { product(code, step, own, rows); });
          else product(code, step, from, count);
          break;
        case REDUCE: reduce(code, step, from, count); break;
        case GATHER: gather(code); break;
        case SCAN: scan(code); break;
      }
    }
  }
};

}  // namespace

std::string refusal(const Program& program) {
  Checker checker{program, ""};
  checker.walk(program.code.data(), program.code.data() + program.code.size(), 1);
  return checker.wrong;
}

void run(const Program& program, const Kernels& kernels, float* const* blocks, int threads) {
  thread_local std::unique_ptr<Helpers> helpers;
  if (threads > 1 && (helpers == nullptr || helpers->count() != threads - 1)) helpers = std::make_unique<Helpers>(threads - 1);
  const Runner runner{program, kernels, blocks, threads > 1 ? helpers.get() : nullptr, nullptr};
  runner.walk(program.code.data(), program.code.data() + program.code.size(), 0, 0, -1);
}
