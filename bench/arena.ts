import type { Run } from './benchmark.ts';
import type { Contender } from './contenders.ts';
import { Rig } from './rig.ts';

/** A contender on a rig of its own. */
export interface Entrant {
  readonly contender: Contender;
  readonly rig: Rig;
}

/**
 * All contenders at once, each on its own rig of the same topology, so that they can be measured in
 * turn without starting anything anew. The rigs go when the measuring ends, however it ends.
 */
export async function* withEntrants<T>(
  run: Run,
  label: string,
  contenders: readonly Contender[],
  measure: (entrants: readonly Entrant[]) => AsyncGenerator<T>,
): AsyncGenerator<T> {
  const entrants: Entrant[] = [];
  try {
    for (const contender of contenders) {
      run.signal.throwIfAborted();
      run.progress(`${label}: building the network of ${contender.name}`, 0);
      const rig = await Rig.up(`${label}.${contender.name}`, run.signal);
      entrants.push({ contender, rig });
      await contender.start(rig);
      await rig.pin();
    }
    yield* measure(entrants);
  } finally {
    await Promise.all(entrants.map(({ rig }) => rig.down()));
  }
}

/** The same ones, another first in every round: who comes after one gets what it left behind. */
export function inTurn<T>(all: readonly T[], round: number): T[] {
  const first = round % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}
