// What must hold, or the stress has found something.
#pragma once

#include <cstdio>
#include <cstdlib>

/// Ends the process with the name of what was expected.
inline void Expect(bool holds, const char* expected) {
  if (holds) return;
  fprintf(stderr, "stress: expected %s\n", expected);
  _Exit(1);
}
