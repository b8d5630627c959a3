import { describe, expect, test } from 'vitest';
import type { Facts } from '../../ts/doctor/facts.ts';
import { canRun, type Finding } from '../../ts/doctor/finding.ts';
import { checkMachine } from '../../ts/doctor/machine_checks.ts';
import { goodFacts } from './facts.ts';

const { kernel, process, product } = goodFacts;
const check = (change: Partial<Facts>) => checkMachine({ ...goodFacts, ...change });
const noteworthy = (findings: readonly Finding[]) => findings.filter(({ level }) => level !== 'ok');

test('a good machine has nothing but ok', () => {
  expect(noteworthy(check({}))).toEqual([]);
});

describe('xlvs cannot run', () => {
  test.each<[string, Partial<Facts>, string, RegExp]>([
    ['an old kernel', { kernel: { ...kernel, release: '5.10.0' } }, 'kernel', /5\.15/],
    ['no readable config', { kernel: { ...kernel, config: undefined } }, 'kernel config', /config/],
    [
      'no AF_XDP',
      { kernel: { ...kernel, config: new Map([['CONFIG_BPF_SYSCALL', 'y']]) } },
      'kernel config',
      /kernel/,
    ],
    [
      'no capabilities',
      { process: { ...process, capabilities: ['CAP_IPC_LOCK'] } },
      'capabilities',
      /as root/,
    ],
    [
      'too little locked memory',
      {
        process: {
          capabilities: ['CAP_SYS_ADMIN', 'CAP_NET_ADMIN', 'CAP_NET_RAW'],
          memlockBytes: 65536,
        },
      },
      'locked memory',
      /LimitMEMLOCK/,
    ],
    [
      'a library is missing',
      { product: { ...product, missingLibraries: ['libxdp.so.1'] } },
      'libraries',
      /apt-get/,
    ],
    ['it was not built', { product: { ...product, addonBuilt: false } }, 'build', /npm run setup/],
    [
      'the kernel refuses the object',
      { product: { ...product, load: { outcome: 'refused', error: 'EPERM' } } },
      'load',
      /release/,
    ],
  ])('%s', (_name, change, subject, advice) => {
    const findings = noteworthy(check(change));
    expect(findings).toMatchObject([
      { level: 'problem', subject, advice: expect.stringMatching(advice) },
    ]);
    expect(canRun(findings)).toBe(false);
  });
});

describe('xlvs can run, at a cost', () => {
  test.each<[string, Partial<Facts>, string, Finding['level']]>([
    ['no JIT', { kernel: { ...kernel, jit: 0 } }, 'BPF JIT', 'warning'],
    ['a JIT that cannot be read', { kernel: { ...kernel, jit: undefined } }, 'BPF JIT', 'note'],
    [
      'BPF for everybody',
      { kernel: { ...kernel, unprivilegedBpfDisabled: 0 } },
      'unprivileged BPF',
      'warning',
    ],
    ['no bpffs', { kernel: { ...kernel, bpffs: false } }, 'bpffs', 'note'],
    [
      'no CAP_SYS_ADMIN to adopt with',
      {
        process: {
          capabilities: ['CAP_BPF', 'CAP_PERFMON', 'CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_IPC_LOCK'],
          memlockBytes: 0,
        },
      },
      'capabilities',
      'warning',
    ],
    [
      'a load that was not tried',
      { product: { ...product, load: { outcome: 'not tried', reason: 'not built' } } },
      'load',
      'note',
    ],
  ])('%s', (_name, change, subject, level) => {
    const findings = noteworthy(check(change));
    expect(findings).toMatchObject([{ level, subject }]);
    expect(canRun(findings)).toBe(true);
  });
});
