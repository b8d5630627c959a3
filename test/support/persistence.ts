import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Director } from '../../ts/lvs/director.ts';
import { endpointText, parseAddress } from '../../ts/net/address.ts';

/** What test/vectors/persistence has recorded of a kernel IPVS, and how to compare with it. */

export interface PersistenceCase {
  readonly name: string;
  readonly steps: readonly RecordedStep[];
}

export interface RecordedStep extends Result {
  readonly event: RecordedEvent;
}

/** As an event of a simulation; `set` is a sysctl. */
export type RecordedEvent =
  | { readonly op: 'rule'; readonly args: string }
  | { readonly op: 'set'; readonly name: string; readonly value: number }
  | { readonly op: 'advance'; readonly seconds: number }
  | (RecordedFlow & { readonly op: 'connect' })
  | (RecordedFlow & RecordedSegment & { readonly op: 'packet' });

export interface RecordedFlow {
  readonly proto: 'tcp' | 'udp';
  readonly src: string;
  readonly sport: number;
  readonly dst: string;
  readonly dport: number;
  /** Its firewall mark. */
  readonly mark?: number;
}

export interface RecordedSegment {
  readonly dir: 'in' | 'out';
  readonly flags: string;
}

/** Protocol, client, virtual service, destination, state; and when it expires, in seconds. */
export type Row = readonly [string, string, string, string, string, number];

/** What there is after a step. */
export interface Result {
  readonly rows: readonly Row[];
  /** By destination its weight, templates, active and inactive connections. */
  readonly counts: Readonly<Record<string, readonly number[]>>;
}

export const PERSISTENCE_CASES: readonly PersistenceCase[] = readFileSync(
  join(import.meta.dirname, '../vectors/persistence/persistence.jsonl'),
  'utf8',
)
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as PersistenceCase);

/** What the kernel needed, on a busy machine, beside the time that steps let pass: in seconds. */
const SLACK_S = 10;

/** A result in an order of its own; what expires when it was recorded to, nearly, does so then. */
export function comparable(result: Result, recorded: Result): Result {
  const name = (row: Row) => row.slice(0, 5).join(' ');
  const expected = new Map(recorded.rows.map((row) => [name(row), row[5]]));
  const rows = result.rows.map((row): Row => {
    const expires = expected.get(name(row)) ?? row[5];
    const isNear = Math.abs(row[5] - expires) <= SLACK_S;
    return [row[0], row[1], row[2], row[3], row[4], isNear ? expires : row[5]];
  });
  return { rows: rows.sort((a, b) => (name(a) < name(b) ? -1 : 1)), counts: result.counts };
}

/** How TCP begins. */
export const HANDSHAKE: readonly RecordedSegment[] = [
  { dir: 'in', flags: 'S' },
  { dir: 'out', flags: 'SA' },
  { dir: 'in', flags: 'A' },
];

/** A flow's addresses as we spell them. */
export function idOf({ src, dst }: RecordedFlow): { client: string; address: string } {
  return { client: parseAddress(src)!.text, address: parseAddress(dst)!.text };
}

/** The counts of all destinations; of two with one name those of UDP, which is listed last. */
export function countsOf(director: Pick<Director, 'services'>): Result['counts'] {
  const services = director.services.toSorted((a, b) => (a.id.protocol < b.id.protocol ? -1 : 1));
  const counts = services.flatMap(({ destinations }) =>
    destinations.map((one) => [
      endpointText(one.address, one.port),
      [one.weight, one.persistentConnections, one.activeConnections, one.inactiveConnections],
    ]),
  );
  return Object.fromEntries(counts) as Result['counts'];
}
