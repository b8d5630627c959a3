import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../ts/native/addon.ts';

/** A mistake to be made in a file of ts/lvs: the text that it changes, and into what. */
export interface Planted {
  /** The scheduler whose choices it spoils. */
  readonly scheduler: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** It is in what is done with the choices, not in the choices: packets find it. */
  readonly byPackets?: boolean;
}

function planted(scheduler: string, file: string, from: string, to: string): Planted {
  return { scheduler, file, from, to };
}

/** Mistakes that somebody could make, most of them by one: each has to be found. */
export const PLANTED: readonly Planted[] = [
  planted('rr', 'schedulers/rr.js', 'left > 0', 'left > 1'),
  planted('rr', 'schedulers/rr.js', 'chosen ? 1 : -1', 'chosen ? 1 : 0'),
  planted('wrr', 'schedulers/wrr.js', 'most - (step - 1)', 'most - step'),
  planted('wrr', 'schedulers/wrr.js', 'bar += 1 - (bar % step)', 'bar += -(bar % step)'),
  planted('wrr', 'schedulers/wrr.js', 'bar = bar > step ?', 'bar = bar >= step ?'),
  planted('wrr', 'schedulers/wrr.js', 'firstBar <= step', 'firstBar < step'),
  planted('lc', 'schedulers/lc.js', 'isWeighted: false', 'isWeighted: true'),
  planted(
    'lc',
    'schedulers/least_loaded.js',
    'let i = 0; i < destinations',
    'let i = 1; i < destinations',
  ),
  planted('wlc', 'settings.js', 'default: 256', 'default: 257'),
  planted('wlc', 'schedulers/overhead.js', 'return left < right', 'return left <= right'),
  planted('sed', 'schedulers/sed.js', 'active + 1', 'active'),
  planted('sed', 'schedulers/sed.js', 'active + 1', 'active + 2'),
  planted('nq', 'schedulers/nq.js', 'active && active + 1', 'active + 1'),
  planted('nq', 'schedulers/nq.js', 'active && active + 1', 'active'),
  planted('fo', 'schedulers/fo.js', 'isWeighted: true', 'isWeighted: false'),
  planted('fo', 'scheduler.js', 'weight > 0', 'weight > 1'),
  planted('ovf', 'schedulers/ovf.js', 'active > weight', 'active >= weight'),
  planted('ovf', 'schedulers/ovf.js', 'active > weight', 'active > weight + 1'),
  planted(
    'lblc',
    'schedulers/lblc.js',
    'activeConnections <= weight',
    'activeConnections < weight',
  ),
  planted('lblc', 'schedulers/lblc.js', '* 2 < other.weight', '* 2 <= other.weight'),
  planted('lblc', 'schedulers/lblc.js', 'destination.weight > 0', 'destination.weight > 1'),
  planted('lblcr', 'schedulers/lblcr.js', 'set.length < 2', 'set.length < 3'),
  planted('lblcr', 'schedulers/lblcr.js', 'set.unshift', 'set.push'),
  planted('lblcr', 'schedulers/lblcr.js', 'lblcr_expiration * 1_000', 'lblcr_expiration * 2_000'),
  planted('lblc', 'schedulers/address_cache.js', 'IDLE_MS = 6', 'IDLE_MS = 7'),
  planted(
    'lblc',
    'schedulers/address_cache.js',
    'this.#rover = (this.#rover + 1)',
    'this.#rover = (this.#rover + 2)',
  ),
  planted('lblcr', 'schedulers/address_cache.js', '(excess * 4) / 3', '(excess * 4) / 4'),
  planted('dh', 'schedulers/dh.js', 'slot % length', '(slot + 1) % length'),
  planted('dh', 'schedulers/hashed.js', '32 - bits', '31 - bits'),
  planted('sh', 'schedulers/sh.js', 'dealt < destinations', 'dealt <= destinations'),
  planted('sh', 'schedulers/hashed.js', '(first + i)', '(first + i + 1)'),
  planted('mh', 'schedulers/mh.js', '(size - 1)) + 1', '(size - 1))'),
  planted('mh', 'schedulers/mh.js', '32 - Math.clz32', '31 - Math.clz32'),
  planted('mh', 'schedulers/mh.js', 'FIRST_INDEX = 8', 'FIRST_INDEX = 7'),
  planted('mh', 'destination.js', 'spec.weight > 0', 'spec.weight > 1'),
  planted('twos', 'schedulers/twos.js', '(total + 1)', 'total'),
  planted('twos', 'schedulers/twos.js', 'reach[middle] >= wanted', 'reach[middle] > wanted'),
  planted('twos', 'schedulers/twos.js', 'first = middle + 1', 'first = middle + 2'),
  planted('twos', 'schedulers/twos.js', 'firstDelay > secondDelay', 'firstDelay < secondDelay'),
  planted('rr', 'threshold.js', 'connections >= upperThreshold', 'connections > upperThreshold'),
  planted('nq', 'threshold.js', 'connections < lowerThreshold', 'connections <= lowerThreshold'),
  planted('rr', 'threshold.js', '* 4 < upperThreshold * 3', '* 4 <= upperThreshold * 3'),
  planted('rr', 'threshold.js', 'now > before', 'now >= before'),
  ...[
    planted('wrr', 'tickets.js', 'place - marks[at]', 'place - 1 - marks[at]'),
    planted('rr', 'tickets.js', 'head !== limit', 'head === limit'),
    planted('rr', 'tickets.js', '(place & (size - 1))] =', '((place + 1) & (size - 1))] ='),
    planted('dh', '../dataplane/tables.js', 'table.slots.length', 'table.slots.length - 1'),
    planted('lc', '../dataplane/slow_path.js', 'Answer.DESTINATION', 'Answer.AGAIN'),
  ].map((one) => ({ ...one, byPackets: true })),
];

/** A compiled copy of the program in which mistakes are made, one at a time. */
export class PlantedCopy {
  readonly #folder = mkdtempSync(join(packageRoot(), 'dist', 'planted-'));

  constructor() {
    const tsc = join(packageRoot(), 'node_modules/.bin/tsc');
    execFileSync(tsc, ['-p', packageRoot(), '--outDir', this.#folder]);
  }

  /** Whether the recorded histories are still what our schedulers make of them. */
  isFound({ scheduler, file, from, to, byPackets = false }: Planted): boolean {
    const path = join(this.#folder, 'ts/lvs', file);
    const right = readFileSync(path, 'utf8');
    if (!right.includes(from)) throw new Error(`expected "${from}" in ${file}`);
    try {
      writeFileSync(path, right.replace(from, to));
      return !this.conforms(scheduler, byPackets);
    } finally {
      writeFileSync(path, right);
    }
  }

  /** Whether a scheduler chooses what is recorded, and clients of packets are served so. */
  conforms(scheduler: string, byPackets = false): boolean {
    const program = join(this.#folder, 'test/conformance/main.js');
    const options = ['--recorded', '--bail', '--only', scheduler];
    if (byPackets) options.push('--through', 'native');
    return spawnSync(process.execPath, [program, ...options]).status === 0;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}
