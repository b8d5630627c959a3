import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../ts/native/addon.ts';

/** All of them: the same command without `--every`. */
const EVERY = '29';

const SCHEDULERS = 13;

test.for(['bpftool', 'bpf_linker'])(
  'XDP of the object that %s linked sends clients where kernel IPVS did',
  (linker, { skip }) => {
    const object = join(packageRoot(), 'build', `director.${linker}.o`);
    skip(!existsSync(object), 'bpf-linker is not there');
    const { status, stdout, stderr } = conformance('--through', linker, '--every', EVERY);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.match(/^ +\w+ +[1-9]\d* +0$/gm)).toHaveLength(SCHEDULERS);
  },
);

/** In a network namespace of its own, whose lo it may listen on. */
function conformance(...options: string[]) {
  const program = join(packageRoot(), 'dist/test/conformance/main.js');
  const argv = ['--net', process.execPath, program, '--recorded', ...options];
  return spawnSync('unshare', argv, { encoding: 'utf8' });
}
