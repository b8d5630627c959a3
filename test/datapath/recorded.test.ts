import { describe, expect, test } from 'vitest';
import { loadAddon } from '../../ts/native/addon.ts';
import { LINKS } from './case.ts';
import { framed, RECORDED_ERRORS } from './cases_packets.ts';
import { TUNNEL_ERRORS } from './cases_tunnels.ts';

const director = new (loadAddon().MemoryDirector)();

describe('an ICMP error of the kernel is ours', () => {
  const lines = [...RECORDED_ERRORS, ...TUNNEL_ERRORS];
  test.for(lines.map((line) => [line.title, line] as const))('%s', ([, line]) => {
    const ours = director.icmpError(framed(line.before, LINKS.arriving), line.error, line.mtu);
    const back = { target: LINKS.arriving.source, source: LINKS.arriving.target };
    expect(text(ours)).toBe(text(framed(line.after, back)));
  });
});

function text(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? [])
    .toString('hex')
    .replace(/.{32}/g, '$&\n');
}
