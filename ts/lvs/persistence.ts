import { addressBytes, addressText } from '../net/address.ts';
import type { Persistence, ServiceId } from './operation.ts';
import { serviceKey } from './service.ts';

/*
 * Which service a client's packet is for, and what its template is found by; what bpf/persistence.h
 * does with packets.
 */

/** How long a template is kept that should expire but controls connections; LVS's. */
export const CONTROLLING_S = 60;

/** FTP's data ports: its own, and those that anybody may have. */
const FTP_DATA = 20;
const FTP = 21;
const UNPRIVILEGED = 1024;

/** The vport and dport of a template that sends nobody any more, until it expires; LVS's. */
export const PORT_INVALID = 65_535;

/** What finds services, and says whether there are any, whatever their address, at a port. */
export interface Services<Service> {
  find(id: ServiceId): Service | undefined;
  isSomeAt(port: number): boolean;
}

/**
 * The service that an endpoint belongs to: its own; with TCP the one at port 21, which has the
 * data ports of FTP; the one at port 0, which has all others.
 */
export function serviceFor<Service>(
  id: ServiceId,
  { find, isSomeAt }: Services<Service>,
): Service | undefined {
  const own = find(id);
  if (own !== undefined) return own;
  const { protocol, port } = id;
  const isData = protocol === 'tcp' && (port === FTP_DATA || port >= UNPRIVILEGED);
  const ofData = isData && isSomeAt(FTP) ? find({ ...id, port: FTP }) : undefined;
  return ofData ?? (isSomeAt(0) ? find({ ...id, port: 0 }) : undefined);
}

/** Whether destinations are reached at the port that the client wants, whatever their own. */
export function keepsPort(service: ServiceId, port: number): boolean {
  return service.port === 0 || service.port !== port;
}

/** What a template is found by. */
export interface TemplateKey {
  /** The client's address without what the mask leaves out. */
  readonly clientAddress: string;
  /** The service's; 0 where it has other ports, too. */
  readonly service: ServiceId;
  /** Text that is equal for equal templates only. */
  readonly key: string;
}

/** The key of the template of a client's connections to a service. */
export function templateKey(
  service: ServiceId,
  { netmask }: Persistence,
  client: string,
): TemplateKey {
  const clientAddress = maskAddress(client, netmask);
  const own = { ...service, port: service.port === FTP ? 0 : service.port };
  return { clientAddress, service: own, key: `${clientAddress} template ${serviceKey(own)}` };
}

/** An address without what the mask leaves out: one of IPv4 in dots, or a prefix' length. */
export function maskAddress(address: string, netmask: string | undefined): string {
  if (netmask === undefined) return address;
  const mask = netmask.includes('.') ? addressBytes(netmask) : prefixMask(Number(netmask));
  return addressText(addressBytes(address).map((byte, i) => byte & mask[i]!));
}

function prefixMask(length: number): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, i) => {
    const bits = Math.min(8, Math.max(0, length - 8 * i));
    return 0xff00 >> bits;
  });
}
