import type { Counters } from '../../ts/lvs/dataplane.ts';
import { Director } from '../../ts/lvs/director.ts';
import { parseAddress } from '../../ts/net/address.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { ask, asked } from './recordings.ts';

/** A recording of a kernel's rates, replayed in this process. */

/** One tick of a kernel's estimator; vectors/ipvsadm/rates.py tells more. */
export interface Tick {
  readonly do: string | null;
  readonly listings: Readonly<Record<string, string>>;
}

const COUNTED = '-Ln --stats --exact';

/**
 * The listings that a director answers otherwise to which the same happens: what was counted is
 * what its listing lacks.
 */
export async function otherListings(ticks: readonly Tick[]): Promise<object[]> {
  const others: object[] = [];
  const dataplane = new MemoryDataplane();
  const director = new Director(dataplane);
  const list = async (args: string) =>
    (await ask(asked(director), { args: args.split(' ') })).stdout;
  for (const args of rulesOf(ticks[0]!)) await list(args);
  for (const [number, tick] of ticks.entries()) {
    if (tick.do !== null) await list(tick.do);
    const counted = destinationCounters(await list(COUNTED));
    for (const [name, kernel] of destinationCounters(tick.listings[COUNTED]!)) {
      dataplane.count(indexOf(director, name), difference(kernel, counted.get(name)!));
    }
    director.estimate();
    for (const [args, kernel] of Object.entries(tick.listings)) {
      const ours = await list(args);
      if (ours !== kernel) others.push({ number, args, kernel, ours });
    }
  }
  return others;
}

/** What makes the services of a listing, which are listed in the order in which they are added. */
function rulesOf({ listings }: Tick): string[] {
  let service = '';
  return rowsOf(listings[COUNTED]!).flatMap(([what = '', name = '']) => {
    if (what === '->') return [`-a ${service} -r ${name} -m`];
    service = `${what === 'TCP' ? '-t' : '-u'} ${name}`;
    return [`-A ${service} -s rr`];
  });
}

/** The rows of a listing, as their words. */
function rowsOf(listing: string): string[][] {
  return listing
    .trimEnd()
    .split('\n')
    .slice(3)
    .map((row) => row.trim().split(/\s+/));
}

/** What was counted for each destination, which are all of different names. */
function destinationCounters(listing: string): Map<string, Counters> {
  return new Map(
    rowsOf(listing)
      .filter(([arrow]) => arrow === '->')
      .map(([, name = '', ...figures]) => [name, counters(figures.map(BigInt))]),
  );
}

function counters(figures: readonly bigint[]): Counters {
  const [connections, inPackets, outPackets, inBytes, outBytes] = figures as bigint[];
  return {
    connections: connections!,
    inPackets: inPackets!,
    outPackets: outPackets!,
    inBytes: inBytes!,
    outBytes: outBytes!,
  };
}

function difference(a: Counters, b: Counters): Counters {
  const names = Object.keys(a) as (keyof Counters)[];
  return counters(names.map((name) => a[name] - b[name]));
}

function indexOf({ services }: Director, name: string): number {
  const [, address = '', port] = name.match(/^\[?(.*?)\]?:(\d+)$/)!;
  const text = parseAddress(address)!.text;
  const all = services.flatMap(({ destinations }) => destinations);
  return all.find((one) => one.address === text && one.port === Number(port))!.index;
}
