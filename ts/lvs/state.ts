// Hot: runs per packet of a simulation. Do not allocate.
import type { ConnectionState } from './connection.ts';
import type { ForwardingMethod, ServiceProtocol } from './operation.ts';
import type { Settings } from './settings.ts';
import { TCP_TRANSITIONS } from './state.gen.ts';

/*
 * What packets make of a connection's state, as XDP has it: the table is the very one of
 * bpf/state.h. TCP flags are letters in any order, such as SA; UDP has none.
 */

/** Where a packet comes from: from the client, or, which only NAT sees, from the destination. */
export type Direction = 'in' | 'out';

/** One flag decides: RST before SYN before FIN before ACK. */
function tcpEvent(flags: string): keyof (typeof TCP_TRANSITIONS)['IN'] | undefined {
  if (flags.includes('R')) return 'RST';
  if (flags.includes('S')) return 'SYN';
  if (flags.includes('F')) return 'FIN';
  return flags.includes('A') ? 'ACK' : undefined;
}

/** A packet that a connection meets, and by which method that is forwarded. */
export interface Met {
  readonly method: ForwardingMethod;
  readonly direction: Direction;
  readonly flags: string;
}

/** The state that follows. A segment without any of the four flags closes. */
export function nextState(
  state: ConnectionState,
  { method, direction, flags }: Met,
): ConnectionState {
  if (state === 'UDP' || (state === 'UDP_UNANSWERED' && direction === 'out')) return 'UDP';
  if (state === 'UDP_UNANSWERED' || state === 'ASSURED') return state;
  const event = tcpEvent(flags);
  if (event === undefined) return 'CLOSE';
  const incoming = method === 'masq' ? 'IN' : 'IN_ONLY';
  return TCP_TRANSITIONS[direction === 'in' ? incoming : 'OUT'][event][state];
}

/** The state in which a packet that may open a connection leaves it. */
export function firstState(protocol: ServiceProtocol, flags: string): ConnectionState {
  return protocol === 'udp' ? 'UDP' : nextState('NONE', { method: 'masq', direction: 'in', flags });
}

/** TCP opens by SYN alone, or, with sloppy_tcp, by all but RST; any packet does so for UDP. */
export function mayOpen(
  protocol: ServiceProtocol,
  flags: string,
  { sloppy_tcp }: Pick<Settings, 'sloppy_tcp'>,
): boolean {
  const event = tcpEvent(flags);
  return protocol === 'udp' || event === 'SYN' || (sloppy_tcp !== 0 && event !== 'RST');
}

/** Whether a segment opens a connection anew; an RST beside the SYN forbids it. */
export function isOpening(flags: string): boolean {
  return flags.includes('S') && !flags.includes('R');
}

/** Whether the client may use its port again, as conn_reuse_mode says. */
export function hasEnded(
  state: ConnectionState,
  method: ForwardingMethod,
  { conn_reuse_mode: mode }: Pick<Settings, 'conn_reuse_mode'>,
): boolean {
  if (mode !== 0 && (state === 'TIME_WAIT' || state === 'CLOSE')) return true;
  return (mode & 2) !== 0 && state === 'FIN_WAIT' && method !== 'masq';
}
