import type {
  DestinationId,
  DestinationSpec,
  Operation,
  ServiceId,
} from '../../ts/lvs/operation.ts';
import type { Flow } from '../../ts/lvs/scheduler.ts';
import type { Settings } from '../../ts/lvs/settings.ts';
import { addressBytes, familyOf } from '../../ts/net/address.ts';

/** A service at 192.0.2.1:80/tcp, or what is given of another. */
export function service(other: Partial<ServiceId> = {}): ServiceId {
  const address = other.address ?? '192.0.2.1';
  return { protocol: 'tcp', family: familyOf(address), address, port: 80, ...other };
}

/** A destination 10.0.0.x:80, or what is given of another. */
export function destination(x: number, other: Partial<DestinationSpec> = {}): DestinationSpec {
  return { address: `10.0.0.${x}`, port: 80, method: 'masq', weight: 1, ...other };
}

/** A client's first packet to 192.0.2.1, or what is given of another. */
export function flow(
  other: Partial<Record<'client' | 'virtual', string>> & { port?: number } = {},
) {
  const { client = '198.51.100.7', virtual = '192.0.2.1', port = 40_000 } = other;
  return {
    clientAddress: addressBytes(client),
    clientPort: port,
    virtualAddress: addressBytes(virtual),
  } satisfies Flow;
}

/** The operations, by shorter names. */
export const rule = {
  add: (of: ServiceId = service(), scheduler = 'rr', exact = false): Operation => ({
    op: 'addService',
    service: { ...of, scheduler, ...(exact && { exact }) },
  }),
  edit: (of: ServiceId, scheduler: string, exact = false): Operation => ({
    op: 'editService',
    service: { ...of, scheduler, ...(exact && { exact }) },
  }),
  delete: (of: ServiceId = service()): Operation => ({ op: 'deleteService', service: of }),
  flush: { op: 'flush' } as Operation,
  zero: (of?: ServiceId): Operation => ({ op: 'zero', ...(of && { service: of }) }),
  timeouts: (tcpS: number, tcpFinS: number, udpS: number): Operation => ({
    op: 'setTimeouts',
    timeouts: { tcpS, tcpFinS, udpS },
  }),
  settings: (settings: Partial<Settings>): Operation => ({ op: 'setSettings', settings }),
  addDestination: (to: DestinationSpec, of: ServiceId = service()): Operation => ({
    op: 'addDestination',
    service: of,
    destination: to,
  }),
  editDestination: (to: DestinationSpec, of: ServiceId = service()): Operation => ({
    op: 'editDestination',
    service: of,
    destination: to,
  }),
  deleteDestination: ({ address, port }: DestinationId, of: ServiceId = service()): Operation => ({
    op: 'deleteDestination',
    service: of,
    destination: { address, port },
  }),
};
