import type { SchedulerFlag, ServiceSpec } from '../lvs/operation.ts';
import { UsageError } from './messages.ts';

/** The flags of schedulers as -b takes them, and as listings show them. */

/** What a name means, and to which scheduler; `exact` is ours. */
interface Meaning {
  readonly to: 'any' | 'sh' | 'mh';
  readonly flag: SchedulerFlag | 'exact';
}

const meanings: Readonly<Record<string, Meaning>> = {
  exact: { to: 'any', flag: 'exact' },
  'flag-1': { to: 'any', flag: 'flag-1' },
  'flag-2': { to: 'any', flag: 'flag-2' },
  'flag-3': { to: 'any', flag: 'flag-3' },
  'sh-fallback': { to: 'sh', flag: 'flag-1' },
  'sh-port': { to: 'sh', flag: 'flag-2' },
  'mh-fallback': { to: 'mh', flag: 'flag-1' },
  'mh-port': { to: 'mh', flag: 'flag-2' },
};

/** The names of flags in a text. */
export function parseSchedulerFlags(text: string): string[] {
  return text.split(',').filter((flag) => flag !== '');
}

/** What the names ask for. Throws UsageError where one is unknown, or another scheduler's. */
export function toSchedulerFlags(
  scheduler: string,
  names: readonly string[],
): Pick<ServiceSpec, 'flags' | 'exact'> {
  const given = new Set(names.map((name) => flagNamed(name, scheduler)));
  const exact = given.delete('exact') && { exact: true };
  const flags = [...given].sort() as SchedulerFlag[];
  return { ...(flags.length > 0 && { flags }), ...exact };
}

function flagNamed(name: string, scheduler: string): Meaning['flag'] {
  const { to, flag } = meanings[name] ?? {};
  if (flag === undefined) throw new UsageError(`invalid scheduler flag \`${name}'`);
  if (to === 'any' || to === scheduler) return flag;
  throw new UsageError(`incompatible scheduler flag \`${name}'`);
}

/** The flags of a service as -b takes them; undefined where it has none. */
export function saveSchedulerFlags({
  scheduler,
  flags = [],
  exact = false,
}: Pick<ServiceSpec, 'scheduler' | 'flags' | 'exact'>): string | undefined {
  if (flags.length === 0 && !exact) return undefined;
  const own = Object.entries(meanings).filter(([, { to }]) => to === scheduler);
  const names = flags.map((flag) => own.find(([, its]) => its.flag === flag)?.[0] ?? flag);
  return [...names, ...(exact ? ['exact'] : [])].join(',');
}

/** The same as ipvsadm lists it: without flags for which sh or mh have no name of their own. */
export function showSchedulerFlags(service: Parameters<typeof saveSchedulerFlags>[0]) {
  const saved = saveSchedulerFlags(service);
  const hasNames = service.scheduler === 'sh' || service.scheduler === 'mh';
  return hasNames ? saved?.replace(/,?flag-\d/, '').replace(/^,/, '') : saved;
}
