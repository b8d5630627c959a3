import type { MarkRule } from '../../ts/lvs/marks/rule.ts';
import type { ServiceId } from '../../ts/lvs/operation.ts';
import { markAddress } from '../../ts/net/mark.ts';
import {
  arriving,
  CLIENT,
  connection,
  type Family,
  forwarded,
  opening,
  type PacketCase,
  SERVER,
  SERVICES,
  VIP,
  WAYS,
  type Way,
  wayText,
} from './case.ts';

const IN = WAYS.filter(({ direction }) => direction === 'in');
const MASQ_IN = IN.filter(({ method }) => method === 'masq');
const MARK = 0x8000_0008;

/** The services of the mark, beside which this director has none. */
const marked: readonly ServiceId[] = ([4, 6] as const).map((family) => ({
  protocol: 'fwm',
  family,
  address: markAddress(MARK, family),
  port: 0,
}));

const setMark = { value: MARK, mask: 0xffff_ffff };
const HOST = { 4: 32, 6: 128 } as const;
const PREFIXES = { 4: '203.0.113.0/24', 6: '2001:db8:a::/48' } as const;
const OTHERS = { 4: '10.99.0.0/16', 6: '2001:db8:ffff::/48' } as const;

/** Marks what goes to the virtual address, or to its prefix. */
function ruleFor(family: Family, to: 'address' | 'prefix'): MarkRule {
  const host = `${VIP[family].address}/${HOST[family]}`;
  return { family, destination: { is: to === 'address' ? host : PREFIXES[family] }, set: setMark };
}

/** No address is known beforehand: the rules alone make a packet ours. */
function byRules(way: Way, marks: readonly MarkRule[], name: string): PacketCase {
  return { ...opening(name, way), services: marked, unknown: true, marks };
}

const opened: readonly PacketCase[] = IN.flatMap((way) => {
  const { family, protocol } = way;
  const exact = ruleFor(family, 'address');
  const wide = ruleFor(family, 'prefix');
  const number = protocol === 'tcp' ? 6 : 17;
  const { port } = VIP[family];
  const all: MarkRule = {
    family,
    source: { is: OTHERS[family], not: true },
    destination: { is: PREFIXES[family] },
    protocol: { is: number },
    sourcePorts: { is: [[CLIENT[family].port, 65_535]] },
    destinationPorts: { is: [[port, port]] },
    interface: { is: 'lo' },
    set: setMark,
  };
  const other: MarkRule = { family, set: { value: 5, mask: 0xffff_ffff } };
  return [
    byRules(way, [exact], 'marked by its address'),
    byRules(way, [wide], 'marked by a prefix'),
    byRules(way, [all], 'marked by all that a rule may ask'),
    byRules(way, [other, exact], 'marked twice'),
    byRules(way, [{ ...exact, last: true }, other], 'marked for good'),
    byRules(
      way,
      [
        { family, set: { value: 8, mask: 0xff } },
        { family, mark: { is: { value: 8, mask: 0xff } }, set: { value: 2 ** 31, mask: 2 ** 31 } },
      ],
      'marked bit by bit',
    ),
  ];
});

/** A destination without a port of its own gets the client's. */
const portless: readonly PacketCase[] = MASQ_IN.map((way) => {
  const { family } = way;
  const of = { ...way, server: { ...SERVER[family], port: VIP[family].port } };
  const server = { ...SERVER[family], port: 0 };
  return {
    ...byRules(of, [ruleFor(family, 'address')], 'to a destination without port'),
    ring: { ...way, tickets: ['accepting'], server },
  };
});

const unmarked: readonly PacketCase[] = IN.flatMap((way): PacketCase[] => {
  const { family } = way;
  const frame = arriving(way, { flags: 'S' }).bytes();
  const passed = { frame, verdict: 'passed_not_ours', services: marked, unknown: true } as const;
  const other = { ...ruleFor(family, 'prefix'), destination: { is: OTHERS[family] } };
  const gone = { ...ruleFor(family, 'prefix'), interface: { is: 'lo', not: true as const } };
  const noService = { ...ruleFor(family, 'address'), set: { value: 9, mask: 0xffff_ffff } };
  return [
    { ...passed, name: `no rule fits: ${wayText(way)}`, marks: [other] },
    { ...passed, name: `another interface's rule: ${wayText(way)}`, marks: [gone] },
    { ...passed, name: `a mark without service: ${wayText(way)}`, marks: [noService] },
    {
      ...opening('a mark without service, at the address of one', way),
      services: SERVICES,
      marks: [noService],
    },
  ];
});

/** Connections are found though their addresses are no one's any more, while rules are wide. */
const known: readonly PacketCase[] = WAYS.flatMap((way) => {
  const marks = [ruleFor(way.family, 'prefix')];
  const one = { ...forwarded('known, with a wide rule', way), services: marked, marks };
  const end = { ...connection(way) };
  return way.direction === 'in' ? [{ ...one, unknown: true, connection: end }] : [one];
});

/** What rules of firewall marks make of packets. */
export const MARKED: readonly PacketCase[] = [...opened, ...portless, ...unmarked, ...known];
