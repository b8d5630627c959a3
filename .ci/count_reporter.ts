import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule, TestSuite } from 'vitest/node';

/** Prints why tests were skipped, and leaves "passed failed skipped" in the file COUNT_FILE. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const count = { passed: 0, failed: errors.length, skipped: 0, pending: 0 };
    const skipped = new Map<string, number>();
    for (const module of modules) {
      count.failed += brokenSuites(module);
      for (const test of module.children.allTests()) {
        const result = test.result();
        count[result.state] += 1;
        if (result.state !== 'skipped') continue;
        const reason = `${module.relativeModuleId}: ${result.note ?? 'no reason given'}`;
        skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
      }
    }
    for (const [reason, times] of skipped) console.log(`skipped: ${reason} (${times})`);
    const unfinished = count.failed + count.pending;
    const line = `${count.passed} ${unfinished} ${count.skipped}\n`;
    if (process.env.COUNT_FILE) writeFileSync(process.env.COUNT_FILE, line);
  }
}

/** Unreadable files and suites with failed hooks: their tests do not count as failed. */
function brokenSuites(module: TestModule): number {
  const suites: readonly (TestModule | TestSuite)[] = [module, ...module.children.allSuites()];
  return suites.filter((suite) => suite.errors().length > 0).length;
}
