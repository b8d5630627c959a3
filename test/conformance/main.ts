import { parseArgs } from 'node:util';
import { PacketPlayer, THROUGH } from '../datapath/histories.ts';
import { Comparison } from '../support/comparison.ts';
import { MemoryCrowd } from '../support/crowd.ts';
import { newHistories, recordedHistories, recordHistories } from '../support/histories.ts';
import { CHOICES, FAR, oddity, pools } from '../support/odds.ts';
import { unavailable } from '../support/oracle.ts';
import { Replay } from '../support/replay.ts';

/**
 * `npm run conformance -- [--seconds N] [--seed S] [--first ROUND] [--only SCHEDULER]…`: lets
 * random histories happen to a real kernel IPVS and to our schedulers, as long as it is told, and
 * compares every decision. Ends with status 1 when one differs: the seed and the round that are
 * printed make the same history again. With `--recorded`, compares with what is recorded instead;
 * with `--every N`, with every N-th of these histories; with `--bail`, only until something
 * differs. `--record ROUNDS` records so many rounds anew.
 *
 * With `--through native`, the clients are packets, and what is compared is where the packet code
 * sends them; with `--through bpftool` or `bpf_linker`, the XDP program of the object that this
 * one has linked: as root, and behind `unshare -n`.
 *
 * No kernel is asked about twos, which is random: what it chooses is compared with its odds.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    first: { type: 'string', default: '0' },
    only: { type: 'string', multiple: true, default: [] },
    recorded: { type: 'boolean', default: false },
    record: { type: 'string' },
    every: { type: 'string', default: '1' },
    through: { type: 'string' },
    bail: { type: 'boolean', default: false },
  },
});
const { seed, only } = values;
const isMeant = (scheduler: string) => only.length === 0 || only.includes(scheduler);
const through = THROUGH.find((one) => one === values.through);
const packets = through && new PacketPlayer(through);
const comparison = new Comparison((history) => {
  return packets?.play(history) ?? new Replay(history, new MemoryCrowd(), { exact: true });
});
const isOver = () => values.bail && comparison.differences.length > 0;

async function compareNew(): Promise<void> {
  console.log(`seed ${seed}`);
  const endMs = performance.now() + Number(values.seconds) * 1_000;
  for (let first = Number(values.first); performance.now() < endMs && !isOver(); first++) {
    const histories = await newHistories({ seed, first, count: 1, only });
    for (const history of histories) comparison.compare(history);
    const state = histories.length > 0 ? `${histories.length} histories` : 'too slow a machine';
    console.log(`round ${first}: ${state}, ${comparison.differences.length} differ so far`);
  }
}

function compareRecorded(): void {
  const every = recordedHistories().filter((_, i) => i % Number(values.every) === 0);
  for (const history of every) {
    if (isMeant(history.scheduler) && !isOver()) comparison.compare(history);
  }
}

/** Pools of which twos does not choose as it should. */
function oddPools(): string[] {
  const odd = Object.keys(pools).filter((name) => oddity(pools[name]!) > FAR);
  const choices = CHOICES * Object.keys(pools).length;
  console.log(`twos: ${choices} choices of ${Object.keys(pools).length} pools, ${odd.length} odd`);
  return odd;
}

if (values.through !== undefined && through === undefined) {
  throw new Error(`expected one of ${THROUGH.join(', ')}, received ${values.through}`);
}
const why = unavailable();
if (values.record !== undefined) await recordHistories(Number(values.record));
if (values.recorded || values.record) compareRecorded();
else if (why === undefined) await compareNew();
else throw new Error(`expected the recorder of a kernel IPVS (XLVS_ORACLE): ${why}`);

const { differences, table } = comparison;
for (const { name, theirs, ours } of differences.slice(0, 10)) {
  console.log(`\n${name}\n  kernel IPVS: ${theirs}\n  xlvs:        ${ours}`);
}
console.log(`\n${table}`);
packets?.close();
const odd = isMeant('twos') && !packets ? oddPools() : [];
process.exitCode = differences.length + odd.length > 0 ? 1 : 0;
