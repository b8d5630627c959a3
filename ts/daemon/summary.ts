import type { AttachedInterface } from '../dataplane/interfaces.ts';
import type { Director } from '../lvs/director.ts';

/** What a start found and made. */
export interface Started {
  readonly programId: number;
  readonly adopted: boolean;
  readonly interfaces: readonly Pick<AttachedInterface, 'name' | 'mode'>[];
  readonly connections: number;
  readonly services: number;
  readonly destinations: number;
  /** Why interfaces were left out. */
  readonly refusals: readonly string[];
}

/** The one line that a start prints. */
export function startedLine(started: Started): string {
  const { programId, adopted, interfaces, connections, services, destinations } = started;
  const where = interfaces.map(({ name, mode }) => `${name} (${mode})`).join(', ');
  const rules =
    `${counted(services + destinations, 'rule')} ` +
    `(${counted(services, 'service')}, ${counted(destinations, 'destination')})`;
  const parts = [
    `director started: ${adopted ? 'adopted ' : ''}program ${programId}` +
      (where === '' ? ', no interface is up yet' : ` on ${where}`),
    ...(adopted ? [`found ${counted(connections, 'connection')}, ${rules}`] : []),
    ...(!adopted && services > 0 ? [`found ${rules}`] : []),
    ...started.refusals,
  ];
  return parts.join('; ');
}

/** How many destinations all services have together. */
export function destinationCount({ services }: Director): number {
  return services.reduce((count, { destinations }) => count + destinations.length, 0);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
