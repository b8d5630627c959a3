import type { Director } from '../lvs/director.ts';
import type { ServiceId } from '../lvs/operation.ts';
import { destinationKey, type Service, serviceKey } from '../lvs/service.ts';
import type { Event } from './event.ts';
import { Moves } from './moves.ts';
import type { Outcome } from './play.ts';
import type { Added, Report } from './run.ts';

/** What was decided for one service. */
interface Tally {
  readonly id: ServiceId;
  /** Connections by destination. */
  readonly connections: Map<string, number>;
  /** Refused connections by reason. */
  readonly refusals: Map<string, number>;
  /** By client its last destination. */
  readonly last: Map<string, string>;
  readonly moves: Moves;
  returned: number;
  moved: number;
}

/** Decisions as a whole: who got how many, how even that was, and which clients moved. */
export class Summary implements Report {
  readonly #director: Director;
  readonly #tallies = new Map<string, Tally>();

  constructor(director: Director) {
    this.#director = director;
  }

  note(event: Event, { chose, reason = '' }: Outcome): Added {
    if (chose === undefined || !('flow' in event)) return undefined;
    const { service, clientAddress } = event.flow;
    const tally = this.#tally(service);
    if (chose === null) tally.refusals.set(reason, (tally.refusals.get(reason) ?? 0) + 1);
    else countChoice(tally, clientAddress, chose);
    return undefined;
  }

  #tally(id: ServiceId): Tally {
    const key = serviceKey(id);
    const known = this.#tallies.get(key);
    if (known !== undefined) return known;
    const maps = { connections: new Map(), refusals: new Map(), last: new Map() };
    const tally = { id, ...maps, moves: new Moves(), returned: 0, moved: 0 };
    this.#tallies.set(key, tally);
    return tally;
  }

  /** Beside the rules as they are then. */
  end(): string {
    const parts = [...this.#tallies.values()].map((tally) => {
      return tallyLines(tally, this.#director.service(tally.id)).join('\n');
    });
    return `${parts.join('\n\n')}\n`;
  }
}

function countChoice(tally: Tally, client: string, chose: string): void {
  const { connections, last: lasts, moves } = tally;
  connections.set(chose, (connections.get(chose) ?? 0) + 1);
  const last = lasts.get(client);
  lasts.set(client, chose);
  if (last === undefined) return;
  tally.returned += 1;
  if (last === chose) return;
  tally.moved += 1;
  moves.add(last, chose);
}

function tallyLines(tally: Tally, service: Service | undefined): string[] {
  const { id, connections, refusals, last, moves, returned, moved } = tally;
  const total = sumOf(connections.values());
  const refused = sumOf(refusals.values());
  return [
    `${serviceKey(id)} ${service?.scheduler.name ?? '(deleted)'}`,
    `  ${total} connections of ${last.size} clients, and ${refused} refused`,
    ...[...refusals].map(([reason, count]) => `    ${reason}  ${count}`),
    ...shareLines(rowsOf(connections, service)),
    `  ${moved} of ${returned} connections moved: their client had another destination before`,
    ...moves.lines().map((line) => `  ${line}`),
  ];
}

/** One destination; its weight is undefined when it is not there any more. */
interface Row {
  readonly name: string;
  readonly weight: number | undefined;
  readonly connections: number;
  /** The share of all connections, and that by weight. */
  readonly share: number;
  readonly due: number;
}

function rowsOf(connections: Tally['connections'], service: Service | undefined): Row[] {
  const weights = new Map(
    service?.destinations.map((destination) => [destinationKey(destination), destination.weight]),
  );
  const total = sumOf(connections.values());
  const weight = sumOf(weights.values());
  return [...new Set([...weights.keys(), ...connections.keys()])].sort().map((name) => {
    const own = connections.get(name) ?? 0;
    const share = total === 0 ? 0 : own / total;
    const due = weight === 0 ? 0 : (weights.get(name) ?? 0) / weight;
    return { name, weight: weights.get(name), connections: own, share, due };
  });
}

function shareLines(rows: readonly Row[]): string[] {
  const table = [
    ['destination', 'weight', 'connections', 'share', 'by weight'],
    ...rows.map(({ name, weight, connections, share, due }) => [
      name,
      `${weight ?? 'removed'}`,
      `${connections}`,
      percent(share),
      percent(due),
    ]),
  ];
  const most = rows
    .filter(({ due }) => due > 0)
    .reduce<Row | undefined>(
      (a, b) => (a && a.share / a.due >= b.share / b.due ? a : b),
      undefined,
    );
  return [
    ...columns(table),
    ...(most === undefined
      ? []
      : [`  imbalance: ${most.name} has ${ratio(most)} times what its weight is due`]),
  ];
}

function ratio({ share, due }: Row): string {
  return (share / due).toFixed(3);
}

/** The first column to the left, the others to the right. */
function columns(table: readonly (readonly string[])[]): string[] {
  const widths = table[0]!.map((_, i) => Math.max(...table.map((row) => row[i]!.length)));
  return table.map((row) => {
    const [first = '', ...others] = row.map((cell, i) =>
      i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!),
    );
    return `  ${[first, ...others].join('  ')}`;
  });
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function sumOf(counts: Iterable<number>): number {
  let sum = 0;
  for (const count of counts) sum += count;
  return sum;
}
