import type { Family } from '../../net/address.ts';

/** What a packet's field has to be, or must not be. */
export interface Wanted<T> {
  readonly is: T;
  readonly not?: true;
}

/** First and last port. */
export type PortRange = readonly [number, number];

/** A value under a mask: 32 bits each. */
export interface MaskedMark {
  readonly value: number;
  readonly mask: number;
}

/**
 * A rule of firewall marks, with the meaning that iptables gives it in mangle's PREROUTING. A
 * packet meets the rules in order; each one that it fits changes its mark, which is 0 at first.
 * What is absent fits every packet of the family.
 */
export interface MarkRule {
  readonly family: Family;
  /** Canonical prefix, as 10.0.0.0/8. */
  readonly source?: Wanted<string>;
  readonly destination?: Wanted<string>;
  /** IP's number of the protocol. */
  readonly protocol?: Wanted<number>;
  readonly sourcePorts?: Wanted<readonly PortRange[]>;
  readonly destinationPorts?: Wanted<readonly PortRange[]>;
  /** Either of both ports. */
  readonly ports?: Wanted<readonly PortRange[]>;
  /** Name of the interface that the packet came by; a + at its end stands for any rest. */
  readonly interface?: Wanted<string>;
  /** The mark so far. */
  readonly mark?: Wanted<MaskedMark>;
  /** Takes the mask's bits out of the mark, then changes those of the value (--set-xmark). */
  readonly set?: MaskedMark;
  /** No further rule is met. */
  readonly last?: true;
}

/** Rules beyond this many are refused. */
export const MAX_MARK_RULES = 16_384;

/** Text that is equal for equal rules only. */
export function markRuleKey(rule: MarkRule): string {
  return JSON.stringify(rule, MEMBERS);
}

/** The members in one order, of the rule and in it. */
const MEMBERS: string[] = [
  ...['family', 'source', 'destination', 'protocol', 'sourcePorts', 'destinationPorts', 'ports'],
  ...['interface', 'mark', 'set', 'last', 'is', 'not', 'value', 'mask', '0', '1'],
];
