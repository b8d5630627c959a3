import type { Surroundings } from '../../ts/lvs/scheduler.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../ts/lvs/settings.ts';
import { seededRandom } from '../../ts/net/random.ts';
import { FakeClock } from './fake_clock.ts';

/** What a scheduler may ask, with default settings but for those given, and a clock of its own. */
export function surroundings(settings: Partial<Settings> = {}, seed = 0) {
  const clock = new FakeClock();
  return {
    clock,
    now: () => clock.now(),
    random: seededRandom(seed),
    settings: { ...DEFAULT_SETTINGS, ...settings },
  } satisfies Surroundings & { clock: FakeClock };
}
