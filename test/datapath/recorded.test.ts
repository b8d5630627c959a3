import { describe, expect, test } from 'vitest';
import { loadAddon } from '../../ts/native/addon.ts';
import { testRecording } from '../support/recorded.ts';
import { LINKS, wayText } from './case.ts';
import { type ErrorLine, framed, PACKETS_RECORDING, RECORDED_ERRORS } from './cases_packets.ts';
import { SETTINGS_RECORDING } from './cases_settings.ts';
import { STATES_RECORDING } from './cases_states.ts';

// The packets and states themselves are among the cases that both targets run.
testRecording(PACKETS_RECORDING);
testRecording(STATES_RECORDING);
testRecording(SETTINGS_RECORDING);

const director = new (loadAddon().MemoryDirector)();

describe('an ICMP error of the kernel is ours', () => {
  test.for(RECORDED_ERRORS.map((line) => [title(line), line] as const))('%s', ([, line]) => {
    const ours = director.icmpError(framed(line.before, LINKS.arriving), line.error, line.mtu);
    const back = { target: LINKS.arriving.source, source: LINKS.arriving.target };
    expect(text(ours)).toBe(text(framed(line.after, back)));
  });
});

function title(line: ErrorLine): string {
  return `${line.error}, ${line.name}: ${wayText(line)}`;
}

function text(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? [])
    .toString('hex')
    .replace(/.{32}/g, '$&\n');
}
