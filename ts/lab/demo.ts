import { join } from 'node:path';
import type { Example, Stage } from './examples.ts';
import { Lab } from './lab.ts';
import { projectRoot } from './process.ts';

/** The surroundings of a demonstration. */
export interface Stand {
  /** Name of the lab that is built for it. */
  readonly name: string;
  readonly print: (line: string) => void;
  /** Ends it; the lab is removed all the same. */
  readonly signal: AbortSignal;
}

/**
 * Runs one worked example on real traffic and shows what happens: rules by ipvsadm on the
 * director, requests by curl on the client. True if every answer was as it should be.
 */
export async function runExample(example: Example, stand: Stand): Promise<boolean> {
  const { id, topology, stages, url } = example;
  const { name, print } = stand;
  print(`\n== ${id}  ${topology.title}\n${topology.drawing}\n`);
  const lab = await Lab.up(topology, { name, bound: true });
  try {
    const scene = { lab, url, ...stand };
    for (const stage of stages) {
      if (!(await runStage(scene, stage))) return false;
    }
    return await director(scene, 'ipvsadm -L -n --stats');
  } finally {
    await lab.down();
  }
}

interface Scene extends Stand {
  readonly lab: Lab;
  readonly url: string;
}

async function runStage(scene: Scene, stage: Stage): Promise<boolean> {
  const { lab, url, print, signal } = scene;
  const { commands, requests, expected } = stage;
  for (const command of commands) {
    if (!(await director(scene, command))) return false;
  }
  const loop = `for i in $(seq ${requests}); do curl -sS -m 30 ${url}; done`;
  print(`client$ ${loop} | sort | uniq -c`);
  const { stdout, stderr } = await lab.exec('client', ['sh', '-c', loop], { signal });
  for (const line of tally(stdout)) print(line);
  if (stderr) print(indent(stderr));

  const answers = stdout.split('\n').map((line) => line.replace('Web from ', ''));
  const names = answers.filter((name) => name !== '');
  const good = names.length === requests && expected.holds(names);
  print(`expected: ${expected.says}: ${good ? 'ok' : `FAILED, received ${names.join(' ')}`}\n`);
  return good;
}

/** Runs a command line on the director, with xlvs's ipvsadm first in PATH, and shows it. */
async function director(scene: Scene, command: string): Promise<boolean> {
  const { lab, print, signal } = scene;
  print(`director$ ${command}`);
  const path = `${join(projectRoot(), 'bin/compat')}:${process.env.PATH}`;
  const result = await lab.exec('director', command.split(' '), { env: { PATH: path }, signal });
  if (result.stdout) print(indent(result.stdout));
  if (result.stderr) print(indent(result.stderr));
  if (result.status !== 0) print(`expected exit status 0: FAILED, received ${result.status}`);
  return result.status === 0;
}

/** What `sort | uniq -c` prints. */
function tally(text: string): string[] {
  const counts = new Map<string, number>();
  for (const line of text.trimEnd().split('\n').sort()) {
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return [...counts].map(([line, count]) => `  ${String(count).padStart(5)} ${line}`);
}

function indent(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, '  ');
}
