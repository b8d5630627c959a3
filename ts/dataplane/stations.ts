import { Limits, Settings } from '../native/abi.gen.ts';
import { type LinkMessage, macBytes } from '../net/netlink.ts';

/** What frames may be sent to besides the interfaces' own MAC addresses; `any` asks for nothing. */
export type ExtraMacs = readonly string[] | 'any';

/** The memory of the data plane that says where interfaces are reached. */
export interface StationMemory {
  readonly settings: ArrayBuffer;
  readonly stations: ArrayBuffer;
}

/** What the stations follow from. */
export type StationLink = Pick<
  LinkMessage,
  'ifindex' | 'ethernet' | 'deviceKind' | 'mac' | 'lower' | 'master'
>;

/** Devices that receive through another one, perhaps at a MAC address of their own. */
const STACKED: ReadonlySet<string> = new Set(['macvlan', 'macvtap', 'vlan']);

const { STATION_LINES, STATIONS_PER_LINE } = Limits;

/**
 * The MAC addresses at which each interface is reached, as XDP compares them: only then is a
 * frame this host's. What a switch floods, since it does not know where a MAC address is, reaches
 * its own host too, and would be forwarded twice.
 */
export class Stations {
  readonly #settings: DataView;
  readonly #words: BigUint64Array;
  readonly #extra: ExtraMacs;

  constructor({ settings, stations }: StationMemory, extra: ExtraMacs = []) {
    this.#settings = new DataView(settings);
    this.#words = new BigUint64Array(stations);
    this.#extra = extra;
  }

  /** Makes them those of these links. Where there is no room, frames to any address are taken. */
  update(links: Iterable<StationLink>): void {
    const wanted = this.#extra === 'any' ? new Set<bigint>() : stationsOf(links, this.#extra);
    const present = new Set(this.#words);
    // New ones first, in place of old ones where they are in the way: no frame finds none.
    const missing = [...wanted].filter((station) => !present.has(station));
    const full = missing.some((station) => !this.#put(station, wanted));
    this.#words.forEach((word, at) => {
      if (word !== 0n && !wanted.has(word)) this.#words[at] = 0n;
    });
    Settings.setOwnStationsOnly(this.#settings, 0, this.#extra === 'any' || full ? 0 : 1);
  }

  #put(station: bigint, wanted: ReadonlySet<bigint>): boolean {
    const first = lineOf(station) * STATIONS_PER_LINE;
    const line = this.#words.subarray(first, first + STATIONS_PER_LINE);
    const free = line.findIndex((word) => !wanted.has(word));
    if (free >= 0) line[free] = station;
    return free >= 0;
  }
}

/**
 * Interface and MAC address, for each that frames may be sent to. A device that stands on others
 * (a VLAN, a macvlan as VRRP daemons make it, a bridge or bond on its ports) is reached through
 * them.
 */
function stationsOf(links: Iterable<StationLink>, extra: readonly string[]): Set<bigint> {
  const all = [...links].filter(({ ethernet, mac }) => ethernet && mac !== '');
  const stations = new Set<bigint>();
  for (const link of all) {
    for (const { ifindex } of [link, ...below(link, all)]) {
      for (const mac of [link.mac, ...extra]) stations.add(stationOf(ifindex, mac));
    }
  }
  return stations;
}

/** The links that another one receives by, directly or not. */
function below(link: StationLink, all: readonly StationLink[]): readonly StationLink[] {
  const next = all.filter(
    ({ ifindex, master }) =>
      master === link.ifindex || (STACKED.has(link.deviceKind) && ifindex === link.lower),
  );
  return next.flatMap((each) => [each, ...below(each, all)]);
}

/** The word of struct station_line. */
function stationOf(ifindex: number, mac: string): bigint {
  const bytes = new DataView(new ArrayBuffer(8));
  macBytes(mac).forEach((byte, at) => {
    bytes.setUint8(at, byte);
  });
  bytes.setUint16(6, ifindex & 0xffff, true);
  return bytes.getBigUint64(0, true);
}

/** As bpf/director.h has it. */
function lineOf(station: bigint): number {
  const hash = BigInt.asUintN(64, station * 0x9e3779b97f4a7c15n);
  return Number(hash >> 54n) % STATION_LINES;
}
