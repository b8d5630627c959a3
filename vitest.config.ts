import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Two projects: tests without privileges, then *.root.test.ts, which are skipped where a capability
// is missing. Each file of these has network namespaces of its own, and they mostly wait, so that two
// at a time do not get in each other's way.
const root = 'test/**/*.root.test.ts';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          // A busy machine takes long to start what some of them start.
          testTimeout: 120_000,
          include: ['test/**/*.test.ts'],
          exclude: [root],
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'root',
          include: [root],
          runner: '.ci/root_runner.ts',
          maxWorkers: 2,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
