import { parseArgs } from 'node:util';
import { canRun, findingsTable } from '../ts/doctor/finding.ts';
import { machine } from './machine.ts';
import { startProgress } from './progress.ts';
import { soak } from './soak.ts';

/**
 * `npm run soak [-- --minutes N]`: an hour of mixed load, or N minutes, in namespaces of its own.
 * Exit 1 where something was lost, was miscounted or has grown.
 */
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' } } });
const minutes = Number(values.minutes);

if (!(minutes > 0)) {
  fail(`expected a number over 0 for --minutes, received ${values.minutes}`, 2);
} else if (process.getuid?.() !== 0) {
  fail('expected root, for CAP_BPF, CAP_NET_ADMIN and CAP_SYS_ADMIN', 1);
} else {
  await run();
}

async function run(): Promise<void> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort()).once('SIGTERM', () => interrupted.abort());
  const bar = startProgress(1);
  const progress = (line: string, done: number) => bar.tell(line, done);
  try {
    const findings = await soak({ minutes, progress, signal: interrupted.signal });
    bar.stop();
    console.log(`${machine()}\n\n${findingsTable(findings)}`);
    if (!canRun(findings)) process.exitCode = 1;
  } catch (error) {
    bar.stop();
    fail((error as Error).message, interrupted.signal.aborted ? 130 : 1);
  }
}

function fail(message: string, status: number): void {
  console.error(`soak: ${message}`);
  process.exitCode = status;
}
