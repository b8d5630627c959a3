// What must hold, or the fuzzer has found something.
#pragma once

#include <cstdio>
#include <cstdlib>

/// Aborts with the name of what was expected; libFuzzer keeps the input.
inline void Require(bool holds, const char* expected) {
  if (holds) return;
  fprintf(stderr, "fuzz: expected %s\n", expected);
  abort();
}
