import type { Family } from '../net/address.ts';
import type { MarkRule } from './marks/rule.ts';
import type { Settings } from './settings.ts';

/**
 * The rules as data. A command line, a line of a rule file, an API request and a journal entry
 * are all one of these operations; `Director.apply` is the only thing that carries them out.
 */

export type Protocol = 'tcp' | 'udp';

/** The same of services: one of a firewall mark has none. */
export type ServiceProtocol = Protocol | 'fwm';

/**
 * How packets reach a destination: rewritten (NAT), readdressed on the link (DR), or in a tunnel
 * (TUN).
 */
export type ForwardingMethod = 'masq' | 'route' | 'tunnel';

/**
 * A tunnel that is more than IP in IP. A `remote` checksum is GUE's way to leave the packet's own
 * one to the other end; a packet that has it already gets `full`, as from the kernel.
 */
export type Tunnel =
  | {
      readonly type: 'gue';
      readonly port: number;
      readonly checksum: 'none' | 'full' | 'remote';
    }
  | { readonly type: 'gre'; readonly checksum: 'none' | 'full' };

/**
 * What names a virtual service. Addresses are canonical text (`net/address.ts`). One of a firewall
 * mark has protocol `fwm`, port 0, and the mark for its address (`net/mark.ts`).
 */
export interface ServiceId {
  readonly protocol: ServiceProtocol;
  readonly family: Family;
  readonly address: string;
  readonly port: number;
}

/**
 * A flag of LVS's whose meaning is the scheduler's. To sh and mh the first is fallback, which
 * tries others when the right one takes nothing, and the second is port, which hashes it, too.
 */
export type SchedulerFlag = 'flag-1' | 'flag-2' | 'flag-3';

/** How a client's later connections go where its first one went. */
export interface Persistence {
  /** How long a client is remembered after its last new connection. */
  readonly timeoutS: number;
  /** What makes one client of many: a mask of IPv4 in dots, or the length of an IPv6 prefix. */
  readonly netmask?: string;
}

export interface ServiceSpec extends ServiceId {
  readonly scheduler: string;
  /** In their order, each once; absent where there are none. */
  readonly flags?: readonly SchedulerFlag[];
  /** Every connection is scheduled at the moment it comes, and never ahead. */
  readonly exact?: boolean;
  readonly persistence?: Persistence;
}

/** What names a destination within its service. */
export interface DestinationId {
  readonly address: string;
  readonly port: number;
}

export interface DestinationSpec extends DestinationId {
  readonly method: ForwardingMethod;
  /** Of method tunnel; absent it is IP in IP. */
  readonly tunnel?: Tunnel;
  /** 0 to 2147483647; 0 quiesces. */
  readonly weight: number;
  /** Connections at which it takes no new ones; 0, or absent, is no limit. */
  readonly upperThreshold?: number;
  /** Connections below which it takes some again; 0, or absent, is three quarters of the upper. */
  readonly lowerThreshold?: number;
}

/** The timeouts that `--set` can change; 0 keeps the present value. */
export interface Timeouts {
  readonly tcpS: number;
  readonly tcpFinS: number;
  readonly udpS: number;
}

export type Operation =
  | { readonly op: 'addService' | 'editService'; readonly service: ServiceSpec }
  | { readonly op: 'deleteService'; readonly service: ServiceId }
  | { readonly op: 'flush' }
  | {
      readonly op: 'addDestination' | 'editDestination';
      readonly service: ServiceId;
      readonly destination: DestinationSpec;
    }
  | {
      readonly op: 'deleteDestination';
      readonly service: ServiceId;
      readonly destination: DestinationId;
    }
  | { readonly op: 'zero'; readonly service?: ServiceId }
  /** Before the rule that has the place, counted from 1; without one behind all others. */
  | { readonly op: 'addMarks'; readonly rules: readonly MarkRule[]; readonly at?: number }
  /** The first rule that equals it, or the one that has the place. */
  | { readonly op: 'deleteMark'; readonly rule: MarkRule | number }
  | { readonly op: 'setMarks'; readonly rules: readonly MarkRule[] }
  | { readonly op: 'setTimeouts'; readonly timeouts: Timeouts }
  | { readonly op: 'setSettings'; readonly settings: Partial<Settings> };
