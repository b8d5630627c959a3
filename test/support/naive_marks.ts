import type { InterfaceIndices } from '../../ts/lvs/marks/box.ts';
import type { MarkRule, PortRange, Wanted } from '../../ts/lvs/marks/rule.ts';
import { addressBytes, familyOf } from '../../ts/net/address.ts';

/** What the mark rules may ask of a packet. */
export interface MarkedPacket {
  readonly source: string;
  readonly target: string;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly targetPort: number;
  readonly interface: string;
}

/** The mark of a packet as iptables has it: one rule after the other. */
export function naiveMark(rules: readonly MarkRule[], packet: MarkedPacket): number {
  let mark = 0;
  for (const rule of rules) {
    if (!fits(rule, packet, mark)) continue;
    const { value, mask } = rule.set ?? { value: 0, mask: 0 };
    mark = ((mark & ~mask) ^ value) >>> 0;
    if (rule.last) break;
  }
  return mark;
}

function fits(rule: MarkRule, packet: MarkedPacket, mark: number): boolean {
  const among = (port: number) => (ranges: readonly PortRange[]) =>
    ranges.some(([from, to]) => port >= from && port <= to);
  const { sourcePort, targetPort } = packet;
  return (
    rule.family === familyOf(packet.source) &&
    holds(rule.source, (prefix) => isWithin(packet.source, prefix)) &&
    holds(rule.destination, (prefix) => isWithin(packet.target, prefix)) &&
    holds(rule.protocol, (protocol) => protocol === packet.protocol) &&
    holds(rule.sourcePorts, among(sourcePort)) &&
    holds(rule.destinationPorts, among(targetPort)) &&
    holds(rule.ports, (ranges) => among(sourcePort)(ranges) || among(targetPort)(ranges)) &&
    holds(rule.interface, (name) => isNamed(packet.interface, name)) &&
    holds(rule.mark, ({ value, mask }) => (mark & mask) >>> 0 === value)
  );
}

function holds<T>(wanted: Wanted<T> | undefined, test: (is: T) => boolean): boolean {
  return wanted === undefined || test(wanted.is) !== (wanted.not ?? false);
}

function isWithin(address: string, prefix: string): boolean {
  const [start = '', length = ''] = prefix.split('/');
  return bits(address).startsWith(bits(start).slice(0, Number(length)));
}

function bits(address: string): string {
  return [...addressBytes(address)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
}

function isNamed(name: string, wanted: string): boolean {
  return wanted.endsWith('+') ? name.startsWith(wanted.slice(0, -1)) : name === wanted;
}

/** Interfaces of the packets. */
export const INTERFACES: InterfaceIndices = new Map([
  ['eth0', 1],
  ['eth1', 2],
  ['wan', 7],
]);
