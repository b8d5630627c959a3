import { expect, test } from 'vitest';
import { saveSchedulerFlags, showSchedulerFlags } from '../../ts/cli/scheduler_flags.ts';

const [first, second, third] = ['flag-1', 'flag-2', 'flag-3'] as const;

// As ipvsadm 1.31 lists them; what it saves for the third flag of sh and mh it could not read.
test.each([
  { of: { scheduler: 'sh', flags: [second] }, text: 'sh-port' },
  { of: { scheduler: 'sh', flags: [first, second] }, text: 'sh-fallback,sh-port' },
  { of: { scheduler: 'mh', flags: [first, second] }, text: 'mh-fallback,mh-port' },
  { of: { scheduler: 'mh', flags: [third] }, text: '', saved: 'flag-3' },
  { of: { scheduler: 'sh', flags: [third], exact: true }, text: 'exact', saved: 'flag-3,exact' },
  { of: { scheduler: 'rr', flags: [first, second, third] }, text: 'flag-1,flag-2,flag-3' },
  { of: { scheduler: 'sh', flags: [second], exact: true }, text: 'sh-port,exact' },
  { of: { scheduler: 'wlc', exact: true }, text: 'exact' },
  { of: { scheduler: 'wlc' }, text: undefined },
])('$of is shown as $text, and saved so that it can be read', ({ of, text, saved = text }) => {
  expect(showSchedulerFlags(of)).toBe(text);
  expect(saveSchedulerFlags(of)).toBe(saved);
});
