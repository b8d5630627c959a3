import type { Relief } from '../lvs/defence.ts';
import type {
  DestinationSpec,
  ForwardingMethod as Method,
  Protocol,
  ServiceId,
  ServiceProtocol,
} from '../lvs/operation.ts';
import {
  Address,
  Destination,
  Family,
  ForwardingMethod,
  Relief as ReliefNumber,
  ServiceKey,
  TunnelKind,
  Verdict,
} from '../native/abi.gen.ts';
import { addressBytes, addressText } from '../net/address.ts';

/** IP protocol numbers. Source: IANA, Assigned Internet Protocol Numbers. */
export const PROTOCOLS: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17 };

/** The same in keys of services: one of a firewall mark has none. */
const SERVICE_PROTOCOLS: Readonly<Record<ServiceProtocol, number>> = { ...PROTOCOLS, fwm: 0 };

/** The data plane's numbers of the forwarding methods. */
export const METHODS: Readonly<Record<Method, number>> = {
  masq: ForwardingMethod.MASQ,
  route: ForwardingMethod.ROUTE,
  tunnel: ForwardingMethod.TUNNEL,
};

/** The data plane's numbers of what is given up for room. */
export const RELIEFS: Readonly<Record<Relief, number>> = {
  none: ReliefNumber.NONE,
  'half-open': ReliefNumber.HALF_OPEN,
  'one-sided': ReliefNumber.ONE_SIDED,
};

/** The verdicts' names in the order of their numbers, as counters are called: 'forwarded_in'. */
export const VERDICT_NAMES: readonly string[] = Object.entries(Verdict)
  .filter(([, verdict]) => verdict < Verdict.VERDICTS)
  .map(([name]) => name.toLowerCase());

/** The struct service_key of a virtual service. */
export function serviceKey({ protocol, address, port }: ServiceId): Uint8Array {
  const view = new DataView(new ArrayBuffer(ServiceKey.size));
  const family = writeAddress(view, ServiceKey.vaddrAt, address);
  ServiceKey.setVport(view, 0, port);
  ServiceKey.setProtocol(view, 0, SERVICE_PROTOCOLS[protocol]);
  ServiceKey.setFamily(view, 0, family);
  return new Uint8Array(view.buffer);
}

/**
 * Writes how a struct destination is reached. Returns whether it was another way before: then the
 * next hops that were found do not hold.
 */
export function writeMethod(view: DataView, at: number, spec: DestinationSpec): boolean {
  const { method, tunnel } = spec;
  const read = () =>
    [Destination.method, Destination.tunnel, Destination.tunnelChecksum, Destination.tunnelPort]
      .map((field) => field(view, at))
      .join();
  const before = read();
  Destination.setMethod(view, at, METHODS[method]);
  const kind = { gue: TunnelKind.GUE, gre: TunnelKind.GRE, ipip: TunnelKind.IPIP };
  Destination.setTunnel(view, at, kind[tunnel?.type ?? 'ipip']);
  Destination.setTunnelChecksum(view, at, (tunnel?.checksum ?? 'none') === 'none' ? 0 : 1);
  Destination.setTunnelPort(view, at, tunnel?.type === 'gue' ? tunnel.port : 0);
  return read() !== before;
}

/** Writes a struct address: IPv4 in the first four bytes, the rest zero. Returns the family. */
export function writeAddress(view: DataView, at: number, address: string): number {
  const bytes = addressBytes(address);
  const to = new Uint8Array(view.buffer, view.byteOffset + at, Address.size);
  to.fill(0);
  to.set(bytes);
  return bytes.length === 4 ? Family.IPV4 : Family.IPV6;
}

/** A struct address on its own, and its family. */
export function addressOf(address: string): {
  readonly bytes: Uint8Array;
  readonly family: number;
} {
  const view = new DataView(new ArrayBuffer(Address.size));
  const family = writeAddress(view, 0, address);
  return { bytes: new Uint8Array(view.buffer), family };
}

/** The text of a struct address. */
export function readAddress(view: DataView, at: number, family: number): string {
  const length = family === Family.IPV4 ? 4 : Address.size;
  return addressText(new Uint8Array(view.buffer, view.byteOffset + at, length));
}

/** A __u32 on its own: keys and values of maps. */
export function word(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}
