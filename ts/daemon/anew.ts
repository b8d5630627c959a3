import { countersText, NO_COUNTERS } from '../lvs/counters.ts';
import type { JournalEntry } from '../lvs/journal_entry.ts';

/**
 * The rules alone of what `Director.entries` gave: for a data plane that has counted nothing and
 * has no connections, since the interfaces went, and with them the maps, while no daemon ran.
 * Every service goes on where its scheduler was; removed destinations are held by nothing.
 */
export function anew(entries: readonly JournalEntry[]): JournalEntry[] {
  const counterOffset = countersText(NO_COUNTERS);
  return entries
    .filter(({ entry }) => entry !== 'trash')
    .map((entry) =>
      entry.entry === 'resume' ? { ...entry, counterOffset, zeroPoints: [] } : entry,
    );
}
