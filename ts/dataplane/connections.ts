import { CONNECTION_STATES, type ConnectionView } from '../lvs/connection.ts';
import { Connection, ConnectionState } from '../native/abi.gen.ts';
import { PROTOCOLS, readAddress } from './encoding.ts';

/** The kernel's clock of ticks. */
export interface Ticks {
  /** 32 bits, and so runs over. */
  readonly jiffies: number;
  readonly hz: number;
}

/**
 * The live connections among the first `slots` of the table, in the order of their slots. XDP
 * goes on to write meanwhile: a row is what its slot held when it was read.
 */
export function* connectionRows(
  table: DataView,
  slots: number,
  clock: () => Ticks,
): Generator<ConnectionView> {
  for (let at = 0; at < slots * Connection.size; at += Connection.size) {
    const state = Connection.state(table, at);
    if ((state & ConnectionState.LIVE) !== 0) yield connectionRow(table, at, clock());
  }
}

function connectionRow(table: DataView, at: number, { jiffies, hz }: Ticks): ConnectionView {
  // Signed: a packet may have been stamped with a tick that the clock has not told yet.
  const silent = (jiffies - Connection.seenJiffies(table, at)) | 0;
  const left = Connection.timeoutJiffies(table, at) - Math.max(silent, 0);
  const family = Connection.family(table, at);
  const state = Connection.state(table, at) & ~ConnectionState.LIVE;
  return {
    protocol: Connection.protocol(table, at) === PROTOCOLS.tcp ? 'tcp' : 'udp',
    state: CONNECTION_STATES[state] ?? 'NONE',
    expiresS: Math.max(0, Math.floor(left / hz)),
    clientAddress: readAddress(table, at + Connection.caddrAt, family),
    clientPort: Connection.cport(table, at),
    virtualAddress: readAddress(table, at + Connection.vaddrAt, family),
    virtualPort: Connection.vport(table, at),
    destinationAddress: readAddress(table, at + Connection.daddrAt, family),
    destinationPort: Connection.dport(table, at),
  };
}
