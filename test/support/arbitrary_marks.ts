import fc from 'fast-check';
import type { MarkRule, PortRange, Wanted } from '../../ts/lvs/marks/rule.ts';
import { addressBytes, addressText, type Family } from '../../ts/net/address.ts';
import { INTERFACES, type MarkedPacket } from './naive_marks.ts';

/** Few values of everything, so that rules and packets meet. */

const addresses: Readonly<Record<Family, readonly string[]>> = {
  4: ['10.0.0.1', '10.0.0.2', '10.0.255.1', '192.0.2.1', '255.255.255.255', '0.0.0.0'],
  6: ['2001:db8::1', '2001:db8::2', '2001:db8:0:1::1', 'fe80::1', '::', 'ffff:ffff:ffff:ffff::'],
};

const family = fc.constantFrom<Family[]>(4, 6);
const port = fc.constantFrom(0, 1, 79, 80, 81, 443, 1024, 65_534, 65_535);
const protocol = fc.constantFrom(6, 17);

/** A packet of any kind. */
export const markedPacket: fc.Arbitrary<MarkedPacket> = family.chain((of) =>
  fc.record({
    source: fc.constantFrom(...addresses[of]),
    target: fc.constantFrom(...addresses[of]),
    protocol,
    sourcePort: port,
    targetPort: port,
    interface: fc.constantFrom(...INTERFACES.keys()),
  }),
);

/** A prefix in its canonical spelling. */
const prefix = (of: Family): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...addresses[of]), fc.integer({ min: 0, max: of === 4 ? 32 : 128 }))
    .map(([address, length]) => `${masked(address, length)}/${length}`);

function masked(address: string, length: number): string {
  const kept = addressBytes(address).map((byte, i) => {
    const bits = Math.min(8, Math.max(0, length - 8 * i));
    return byte & (0xff << (8 - bits));
  });
  return addressText(kept);
}

const ranges: fc.Arbitrary<PortRange[]> = fc.array(
  fc.tuple(port, port).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const),
  { minLength: 1, maxLength: 3 },
);

function wanted<T>(is: fc.Arbitrary<T>): fc.Arbitrary<Wanted<T>> {
  return fc
    .tuple(is, fc.boolean())
    .map(([value, not]) => (not ? { is: value, not } : { is: value }));
}

const number = fc.constantFrom(0, 1, 2, 8, 0xff, 0x8000_0000, 0xffff_ffff);
const maskedMark = fc.record({ value: number, mask: number });
const wholeMark = number.map((value) => ({ value, mask: 0xffff_ffff }));

const matches = (of: Family) => ({
  source: wanted(prefix(of)),
  destination: wanted(prefix(of)),
  protocol: wanted(protocol),
  sourcePorts: wanted(ranges),
  destinationPorts: wanted(ranges),
  ports: wanted(ranges),
  interface: wanted(fc.constantFrom('eth0', 'eth+', 'wan', 'gone', '+')),
});

/** A rule that sets the whole mark whatever it is. */
const simpleRule: fc.Arbitrary<MarkRule> = family.chain((of) =>
  fc.record(
    { family: fc.constant(of), ...matches(of), set: wholeMark, last: fc.constant(true as const) },
    { requiredKeys: ['family', 'set'] },
  ),
);

/** Any rule at all. */
export const anyMarkRule: fc.Arbitrary<MarkRule> = family.chain((of) =>
  fc.record(
    {
      family: fc.constant(of),
      ...matches(of),
      mark: wanted(maskedMark),
      set: fc.oneof(maskedMark, wholeMark),
      last: fc.constant(true as const),
    },
    { requiredKeys: ['family'] },
  ),
);

/** Rules as they may stand together. */
export const markRules: fc.Arbitrary<MarkRule[]> = fc.oneof(
  fc.array(simpleRule, { maxLength: 24 }),
  fc.array(anyMarkRule, { maxLength: 12 }),
);
