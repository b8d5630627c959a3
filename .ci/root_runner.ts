import { readFileSync } from 'node:fs';
import { type RunnerTestCase, type RunnerTestSuite, TestRunner } from 'vitest';
import { effectiveCapabilities, missingCapabilities } from '../ts/doctor/capabilities.ts';

const missing = missingCapabilities(
  effectiveCapabilities(readFileSync('/proc/self/status', 'utf8')),
).join(' ');

/** Skips every test, saying which capability is missing, unless all of them are held. */
export default class RootRunner extends TestRunner {
  override async onBeforeRunSuite(suite: RunnerTestSuite): Promise<void> {
    if (missing) {
      const hooks = TestRunner.getSuiteHooks(suite);
      hooks.beforeAll.length = 0;
      hooks.afterAll.length = 0;
    }
    await super.onBeforeRunSuite(suite);
  }

  override async onBeforeRunTask(test: RunnerTestCase): Promise<void> {
    if (missing && test.mode === 'run') {
      test.mode = 'skip';
      // As skip(note) of a test's context leaves it; the declared type lacks the note.
      test.result = Object.assign({ state: 'skip' as const }, { note: `needs ${missing}` });
    }
    await super.onBeforeRunTask(test);
  }
}
