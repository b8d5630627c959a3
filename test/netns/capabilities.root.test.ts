import { chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Outcome, projectRoot } from '../../ts/lab/process.ts';
import { s204 } from '../../ts/lab/topologies.ts';
import { serviceLines } from '../support/forwarding.ts';
import { lab, type TestLab } from '../support/netns.ts';

/** All that docs/systemd/xlvs.service gives but what a restart needs. */
const NEEDED = ['bpf', 'perfmon', 'net_admin', 'net_raw', 'ipc_lock'];
const NOBODY = 65_534;
const service = {
  vip: '172.16.253.63',
  realServers: ['192.168.166.129', '192.168.166.131'],
} as const;

let net: TestLab;
const folder = mkdtempSync(join(tmpdir(), 'xlvs-run-'));
beforeAll(async () => {
  net = await lab(s204);
  mkdirSync(folder, { recursive: true });
  chownSync(folder, NOBODY, NOBODY);
});
afterAll(async () => {
  await net?.dispose();
  rmSync(folder, { recursive: true });
});

/** Runs `xlvs daemon` as nobody with these capabilities, over a /run/xlvs of its own. */
function daemon(capabilities: readonly string[], args = ''): Promise<Outcome> {
  const set = ['-all', ...capabilities.map((name) => `+${name}`)].join(',');
  const identity = `--reuid=${NOBODY} --regid=${NOBODY} --clear-groups --no-new-privs`;
  const capable = `--inh-caps=${set} --ambient-caps=${set} --bounding-set=${set}`;
  const xlvs = `${process.execPath} ${join(projectRoot(), 'bin/xlvs')} daemon ${args}`;
  return inFolder(`setpriv ${identity} ${capable} ${xlvs}`);
}

function inFolder(command: string): Promise<Outcome> {
  const script = `mkdir -p /run/xlvs; mount --bind ${folder} /run/xlvs; exec ${command}`;
  return net.exec('director', ['sh', '-ec', script]);
}

describe('without root', () => {
  test('five capabilities suffice to start, attach, forward and leave nothing', async () => {
    const started = await daemon(NEEDED);
    expect(started).toMatchObject({ status: 0, stderr: '' });
    expect(started.stdout).toMatch(/director started: program \d+ on .*\(native\), .*\(native\)/);
    const ipvsadm = join(projectRoot(), 'bin/compat/ipvsadm');
    for (const line of serviceLines({ method: '-m' }, service)) {
      expect(await inFolder(`${ipvsadm} ${line}`)).toMatchObject({ status: 0, stderr: '' });
    }
    const { answers, errors } = await net.curlMany(20, 4, `http://${service.vip}/`);
    expect(errors).toEqual([]);
    expect(answers).toEqual({ 'Web from RS1': 10, 'Web from RS2': 10 });
    expect(await daemon(NEEDED, '--stop --detach')).toMatchObject({ status: 0 });
    expect(await net.must('director', ['ip', '-d', 'link'])).not.toContain('xdp');
  });

  test.each(['bpf', 'perfmon', 'net_admin', 'net_raw'])(
    '%s is missed by its name',
    async (name) => {
      const { status, stderr } = await daemon(NEEDED.filter((one) => one !== name));
      expect(status).toBe(1);
      expect(stderr).toMatch(
        new RegExp(`^xlvs: missing CAP_${name.toUpperCase()}: run as root.*\n$`),
      );
    },
  );

  test('ipc_lock is missed where more is to be pinned than the limit allows', async () => {
    const { stdout, stderr } = await daemon(NEEDED.slice(0, -1));
    expect(stdout + stderr).toMatch(/cannot attach to eth\d: ENOBUFS.*CAP_IPC_LOCK/);
    await daemon(NEEDED, '--stop --detach');
  });

  test('a program that was left is told of, where cap_sys_admin is missing', async () => {
    await daemon([...NEEDED, 'sys_admin']);
    await daemon([...NEEDED, 'sys_admin'], '--stop');
    const { status, stderr } = await daemon(NEEDED);
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching('only CAP_SYS_ADMIN may look into'),
    ]);
    const adopting = await daemon([...NEEDED, 'sys_admin']);
    expect(adopting.stdout).toMatch(/adopted program \d+/);
    const replacing = await daemon([...NEEDED, 'sys_admin'], '--replace');
    expect(replacing).toMatchObject({ status: 0, stderr: '' });
    await daemon([...NEEDED, 'sys_admin'], '--stop --detach');
  });
});
