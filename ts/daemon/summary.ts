import type { ScheduledAhead } from '../api/types.ts';
import type { AttachedInterface } from '../dataplane/interfaces.ts';
import type { Director } from '../lvs/director.ts';
import type { ServiceSpec } from '../lvs/operation.ts';
import { endpointText } from '../net/address.ts';

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
  /** Why interfaces were left out, and which schedulers cannot choose. */
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

/** What a destination is called where its service has to be told as well. */
export function destinationName(director: Pick<Director, 'destinationAt'>, index: number): string {
  const destination = director.destinationAt(index);
  if (destination === undefined) return `destination ${index}, which has no rule`;
  const at = endpointText(destination.address, destination.port);
  if (destination.service === undefined) return `${at}, which was removed`;
  const { protocol, address, port } = destination.service.id;
  return `${protocol} ${endpointText(address, port)} -> ${at}`;
}

/** The services for whose tickets or table there was no room. */
export function crampedServices({ services }: Pick<Director, 'services'>): ServiceSpec[] {
  return services.filter(({ tickets }) => tickets?.lacksRoom).map(({ spec }) => spec);
}

/** A line for every scheduler that could not be loaded, or has failed. */
export function failedSchedulers({ services }: Pick<Director, 'services'>): string[] {
  return services.flatMap(({ failure }) => failure ?? []);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
