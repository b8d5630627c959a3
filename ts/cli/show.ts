import type {
  ConnectionView,
  CountersText,
  DestinationView,
  ServicesReply,
  ServiceView,
  Timeouts,
} from '../api/types.ts';
import type { ForwardingMethod, ServiceId } from '../lvs/operation.ts';
import { familyOf } from '../net/address.ts';
import type { Label } from './labels.ts';
import { sortDestinations, sortServices } from './sort.ts';

/** The listings of ipvsadm -L and -S, to the byte. */

/** How a listing of services is to look. */
export interface ServicesStyle {
  readonly label: Label;
  readonly stats: boolean;
  readonly exact: boolean;
  readonly sort: boolean;
}

const forwardNames: Readonly<Record<ForwardingMethod, string>> = { masq: 'Masq', route: 'Route' };

const countersHeading =
  'Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n' +
  '  -> RemoteAddress:Port\n';
const rulesHeading =
  'Prot LocalAddress:Port Scheduler Flags\n' +
  '  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n';

/** The heading of all services, which that of a single one lacks. */
export function showVersion({ tableSize }: ServicesReply): string {
  return `IP Virtual Server version 1.2.1 (size=${tableSize})\n`;
}

/** Services with their destinations: rules and live counts, or with `stats` their counters. */
export async function showServices(
  services: readonly ServiceView[],
  style: ServicesStyle,
): Promise<string> {
  let text = style.stats ? countersHeading : rulesHeading;
  for (const service of style.sort ? sortServices(services) : services) {
    text += await showService(service, style);
  }
  return text;
}

async function showService(service: ServiceView, style: ServicesStyle): Promise<string> {
  const { address, port, protocol } = service;
  const name = `${protocol.toUpperCase().padEnd(4)} ${await style.label(address, port, protocol)}`;
  let text = style.stats
    ? `${column(name, 33, address)}${showCounters(service.counters, style.exact)}\n`
    : `${name} ${service.scheduler}${service.exact ? ' (exact)' : ''}\n`;
  const { destinations } = service;
  for (const destination of style.sort ? sortDestinations(destinations) : destinations) {
    const label = await style.label(destination.address, destination.port, protocol);
    const figures = style.stats
      ? showCounters(destination.counters, style.exact)
      : showRule(destination);
    text += `  -> ${column(label, 28, destination.address)}${figures}\n`;
  }
  return text;
}

/** A name in its column. One of IPv6 that is too long is not cut but moves the rest. */
function column(name: string, width: number, address: string): string {
  return (familyOf(address) === 4 ? name.slice(0, width) : name).padEnd(width);
}

function showRule(destination: DestinationView): string {
  const forward = forwardNames[destination.method].padEnd(7);
  const weight = String(destination.weight).padEnd(6);
  const active = String(destination.activeConnections).padEnd(10);
  const inactive = String(destination.inactiveConnections).padEnd(10);
  return ` ${forward} ${weight} ${active} ${inactive}`;
}

function showCounters(counters: CountersText, exact: boolean): string {
  const { connections, inPackets, outPackets, inBytes, outBytes } = counters;
  return [connections, inPackets, outPackets, inBytes, outBytes]
    .map((count) => (exact ? ` ${count.padStart(8)}` : showCount(BigInt(count))))
    .join('');
}

/** A count in nine columns: from 100 million on in units of a thousand, a million and so on. */
function showCount(count: bigint): string {
  if (count < 10n ** 8n) return String(count).padStart(9);
  if (count < 10n ** 9n) return `${count / 10n ** 3n}K`.padStart(9);
  if (count < 10n ** 11n) return `${count / 10n ** 6n}M`.padStart(9);
  if (count < 10n ** 14n) return `${count / 10n ** 9n}G`.padStart(9);
  return `${count / 10n ** 12n}T`.padStart(9);
}

/** The connections, in the order given. */
export async function showConnections(
  connections: readonly ConnectionView[],
  label: Label,
): Promise<string> {
  let text =
    'IPVS connection entries\n' +
    'pro expire state       source             virtual            destination\n';
  for (const one of connections) {
    const client = await label(one.clientAddress, one.clientPort, one.protocol);
    const virtual = await label(one.virtualAddress, one.virtualPort, one.protocol);
    const destination = await label(one.destinationAddress, one.destinationPort, one.protocol);
    text += `${one.protocol.toUpperCase().padEnd(3)} ${showExpiry(one.expiresS).padEnd(6)} `;
    text += `${one.state.padEnd(11)} ${client.padEnd(18)} ${virtual.padEnd(18)} ${destination}\n`;
  }
  return text;
}

function showExpiry(seconds: number): string {
  const two = (number: number) => String(number).padStart(2, '0');
  return `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`;
}

/** The timeouts that --set changes. */
export function showTimeouts({ tcpS, tcpFinS, udpS }: Timeouts): string {
  return `Timeout (tcp tcpfin udp): ${tcpS} ${tcpFinS} ${udpS}\n`;
}

/** The rules as lines that -R reads. */
export async function showRules(services: readonly ServiceView[], label: Label): Promise<string> {
  let text = '';
  for (const service of sortServices(services)) {
    const name = await serviceOption(service, label);
    text += `-A ${name} -s ${service.scheduler}${service.exact ? ' -b exact' : ''}\n`;
    for (const destination of sortDestinations(service.destinations)) {
      const server = await label(destination.address, destination.port, service.protocol);
      const method = destination.method === 'masq' ? '-m' : '-g';
      text += `-a ${name} -r ${server} ${method} -w ${destination.weight}\n`;
    }
  }
  return text;
}

async function serviceOption(id: ServiceId, label: Label): Promise<string> {
  const option = id.protocol === 'tcp' ? '-t' : '-u';
  return `${option} ${await label(id.address, id.port, id.protocol)}`;
}
