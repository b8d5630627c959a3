import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Two projects: tests without privileges run side by side; *.root.test.ts share the machine's one
// network stack, so they run one file at a time, and are skipped where a capability is missing.
const root = 'test/**/*.root.test.ts';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          // A busy machine takes long to start what some of them start.
          testTimeout: 30_000,
          include: ['test/**/*.test.ts'],
          exclude: [root],
          // Those that ask the oracle mostly wait for it.
          maxWorkers: availableParallelism() + 1,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'root',
          include: [root],
          runner: '.ci/root_runner.ts',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
