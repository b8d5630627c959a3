import type { Family } from '../net/address.ts';
import type { Settings } from './settings.ts';

/**
 * The rules as data. A command line, a line of a rule file, an API request and a journal entry
 * are all one of these operations; `Director.apply` is the only thing that carries them out.
 */

export type Protocol = 'tcp' | 'udp';

/** How packets reach a destination: rewritten (NAT), or readdressed on the link (DR). */
export type ForwardingMethod = 'masq' | 'route';

/** What names a virtual service. Addresses are canonical text (`net/address.ts`). */
export interface ServiceId {
  readonly protocol: Protocol;
  readonly family: Family;
  readonly address: string;
  readonly port: number;
}

/**
 * A flag of LVS's whose meaning is the scheduler's. To sh and mh the first is fallback, which
 * tries others when the right one takes nothing, and the second is port, which hashes it, too.
 */
export type SchedulerFlag = 'flag-1' | 'flag-2' | 'flag-3';

export interface ServiceSpec extends ServiceId {
  readonly scheduler: string;
  /** In their order, each once; absent where there are none. */
  readonly flags?: readonly SchedulerFlag[];
  /** Every connection is scheduled at the moment it comes, and never ahead. */
  readonly exact?: boolean;
}

/** What names a destination within its service. */
export interface DestinationId {
  readonly address: string;
  readonly port: number;
}

export interface DestinationSpec extends DestinationId {
  readonly method: ForwardingMethod;
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
  | { readonly op: 'setTimeouts'; readonly timeouts: Timeouts }
  | { readonly op: 'setSettings'; readonly settings: Partial<Settings> };
