import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FIELDS } from '../../../ts/lvs/marks/box.ts';
import { compileMarks } from '../../../ts/lvs/marks/program.ts';
import type { MarkRule } from '../../../ts/lvs/marks/rule.ts';
import { Family, MarkField } from '../../../ts/native/abi.gen.ts';
import { markedPacket, markRules } from '../../support/arbitrary_marks.ts';
import { walkProgram } from '../../support/mark_program.ts';
import { INTERFACES, naiveMark } from '../../support/naive_marks.ts';

test('the program gives every packet the mark that the rules do, one after the other', () => {
  fc.assert(
    fc.property(
      markRules,
      fc.array(markedPacket, { minLength: 1, maxLength: 20 }),
      (rules, packets) => {
        const walk = walkProgram(rules, INTERFACES);
        const marks = packets.map((packet) => walk(packet).mark);
        expect(marks).toEqual(packets.map((packet) => naiveMark(rules, packet)));
      },
    ),
    { numRuns: 300 },
  );
});

test('fields have the numbers of the data plane', () => {
  expect(FIELDS).toEqual({
    kind: MarkField.KIND,
    source: MarkField.SOURCE,
    target: MarkField.TARGET,
    sourcePort: MarkField.SOURCE_PORT,
    targetPort: MarkField.TARGET_PORT,
    ingress: MarkField.INGRESS,
    count: MarkField.FIELDS,
  });
  expect([Family.IPV4, Family.IPV6]).toEqual([4, 6]);
});

/** A rule for one port of one address. */
function rule(i: number): MarkRule {
  return {
    family: 4,
    destination: { is: `10.9.${i >> 8}.${i & 255}/32` },
    protocol: { is: 6 },
    destinationPorts: { is: [[80, 80]] },
    set: { value: i + 1, mask: 0xffff_ffff },
  };
}

test('ten thousand rules cost few steps', () => {
  const rules = Array.from({ length: 10_000 }, (_, i) => rule(i));
  const walk = walkProgram(rules, INTERFACES);
  for (let i = 0; i < rules.length; i += 97) {
    const target = rules[i]!.destination!.is.replace('/32', '');
    const packet = { source: '192.0.2.9', target, protocol: 6, sourcePort: 9, targetPort: 80 };
    const { mark, steps } = walk({ ...packet, interface: 'eth0' });
    expect(mark).toBe(i + 1);
    expect(steps).toBeLessThan(32);
  }
});

test('rules for which there is no room are refused', () => {
  const rules = Array.from({ length: 100 }, (_, i) => rule(i));
  expect(compileMarks(rules, INTERFACES, { base: 1, room: 50 })).toBeUndefined();
  expect(compileMarks([], INTERFACES, { base: 1, room: 50 })?.start).toBe(0);
});
