import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Finding } from '../../ts/doctor/finding.ts';
import { s204 } from '../../ts/lab/topologies.ts';
import { lab, type TestLab } from '../support/netns.ts';

let net: TestLab;
beforeAll(async () => {
  net = await lab(s204);
});
afterAll(() => net?.dispose());

test('the lab director is fit: native XDP on each interface, the object accepted', async () => {
  const { status, stdout, stderr } = await net.director('bin/xlvs', 'doctor --json');
  const findings: readonly Finding[] = JSON.parse(stdout);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(findings.filter(({ level }) => level === 'problem' || level === 'warning')).toEqual([]);
  expect(findings).toContainEqual(expect.objectContaining({ level: 'ok', subject: 'load' }));
  expect(findings.filter(({ found }) => found.startsWith('native XDP'))).not.toEqual([]);
});

test('without privileges it says what is missing, and exits 1', async () => {
  const { status, stdout } = await net.exec('director', [
    'setpriv',
    '--reuid=65534',
    '--clear-groups',
    process.execPath,
    'dist/ts/cli/main.js',
    'doctor',
  ]);
  expect(status).toBe(1);
  expect(stdout).toMatch(/^problem +capabilities +missing CAP_BPF .*\n +-> run as root/m);
});
