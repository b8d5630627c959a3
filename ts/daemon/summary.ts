import type { ScheduledAhead } from '../api/types.ts';
import type { AttachedInterface } from '../dataplane/interfaces.ts';
import type { Director } from '../lvs/director.ts';

/** What a start found and made. */
export interface Started {
  readonly programId: number;
  readonly adopted: boolean;
  /** The program took the place of one of another layout, whose connections it has now. */
  readonly migrated: boolean;
  readonly interfaces: readonly Pick<AttachedInterface, 'name' | 'mode'>[];
  readonly connections: number;
  readonly services: number;
  readonly destinations: number;
  /** Why interfaces were left out. */
  readonly refusals: readonly string[];
}

/** The one line that a start prints. */
export function startedLine(started: Started): string {
  const { programId, adopted, migrated, interfaces, connections, services, destinations } = started;
  const how = adopted ? 'adopted ' : migrated ? 'migrated to ' : '';
  const where = interfaces.map(({ name, mode }) => `${name} (${mode})`).join(', ');
  const rules =
    `${counted(services + destinations, 'rule')} ` +
    `(${counted(services, 'service')}, ${counted(destinations, 'destination')})`;
  const parts = [
    `director started: ${how}program ${programId}` +
      (where === '' ? ', no interface is up yet' : ` on ${where}`),
    ...(how !== '' ? [`found ${counted(connections, 'connection')}, ${rules}`] : []),
    ...(how === '' && services > 0 ? [`found ${rules}`] : []),
    ...started.refusals,
  ];
  return parts.join('; ');
}

/** How many destinations all services have together. */
export function destinationCount({ services }: Director): number {
  return services.reduce((count, { destinations }) => count + destinations.length, 0);
}

/** The services that are scheduled by counts which were read ahead. */
export function scheduledAhead({ services }: Pick<Director, 'services'>): ScheduledAhead[] {
  return services.flatMap(({ spec, tickets }) => {
    const ageMs = tickets?.ageMs;
    return tickets && ageMs !== undefined ? [{ ...spec, tickets: tickets.ahead, ageMs }] : [];
  });
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
