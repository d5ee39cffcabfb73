// A program of the native engine: whole numbers as code.ts writes them, which read and write blocks of floats.
#pragma once
#include <cstdint>
#include <string>
#include <vector>
#include "kernels.h"

enum Instruction : int32_t { POINTWISE, PRODUCT, REDUCE, GATHER, SCAN };

struct Program {
  std::vector<int32_t> code;
  // Floats of each block: 0 the scratch memory, then constants, inputs and outputs.
  std::vector<int64_t> sizes;
  // Where each constant lies; null: not one.
  std::vector<const float*> constants;
};

// Why a program must not run (something of it lies outside its block); empty where it may.
std::string refusal(const Program& program);

// Runs it; `blocks` are its memory. Throws std::out_of_range for an index that its axis has not.
void run(const Program& program, const Kernels& kernels, float* const* blocks, int threads);
