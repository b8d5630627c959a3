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
import { markOf } from '../net/mark.ts';
import type { Label } from './labels.ts';
import { savePersistence, showPersistence } from './persistence.ts';
import { saveSchedulerFlags, showSchedulerFlags } from './scheduler_flags.ts';
import { sortDestinations, sortServices } from './sort.ts';
import { saveTunnel, showTunnel } from './tunnel.ts';

/** The listings of ipvsadm -L and -S, to the byte. */

/** What a listing tells of every service and destination. */
export type Shown = 'rules' | 'tunnels' | 'counters' | 'rates' | 'thresholds' | 'persistence';

/** How a listing of services is to look. */
export interface ServicesStyle {
  readonly label: Label;
  readonly shown: Shown;
  readonly exact: boolean;
  readonly sort: boolean;
}

const forwardNames: Readonly<Record<ForwardingMethod, string>> = {
  masq: 'Masq',
  route: 'Route',
  tunnel: 'Tunnel',
};
const methodOptions: Readonly<Record<ForwardingMethod, string>> = {
  masq: '-m',
  route: '-g',
  tunnel: '-i',
};

const headings: Readonly<Record<Shown, string>> = {
  rules:
    'Prot LocalAddress:Port Scheduler Flags\n' +
    '  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n',
  tunnels:
    'Prot LocalAddress:Port Scheduler Flags\n' +
    '  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn\n',
  counters:
    'Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n' +
    '  -> RemoteAddress:Port\n',
  rates:
    'Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS\n' +
    '  -> RemoteAddress:Port\n',
  thresholds:
    'Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn \n' +
    '  -> RemoteAddress:Port\n',
  persistence:
    'Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn \n' +
    '  -> RemoteAddress:Port\n',
};

/** The heading of all services, which that of a single one lacks. */
export function showVersion({ tableSize }: ServicesReply): string {
  return `IP Virtual Server version 1.2.1 (size=${tableSize})\n`;
}

/** Services with their destinations, and of both what is shown. */
export async function showServices(
  services: readonly ServiceView[],
  style: ServicesStyle,
): Promise<string> {
  let text = headings[style.shown];
  for (const service of style.sort ? sortServices(services) : services) {
    text += await showService(service, style);
  }
  return text;
}

async function showService(service: ServiceView, style: ServicesStyle): Promise<string> {
  const { address, protocol } = service;
  const name = `${protocol.toUpperCase().padEnd(4)} ${await serviceLabel(service, style.label)}`;
  const figures = figuresOf(service, style.shown);
  const flags = showSchedulerFlags(service);
  let text =
    figures === undefined
      ? `${name} ${service.scheduler}${flags === undefined ? '' : ` (${flags})`}` +
        `${showPersistence(service)}\n`
      : `${column(name, 33, address)}${showFigures(figures, style.exact, style.exact)}\n`;
  const { destinations } = service;
  for (const destination of style.sort ? sortDestinations(destinations) : destinations) {
    const label = await style.label(destination.address, destination.port, protocol);
    const row = showDestination(destination, style);
    text += `  -> ${column(label, 28, destination.address)}${row}\n`;
  }
  return text;
}

/** A mark as ipvsadm prints it: signed. */
async function serviceLabel(service: ServiceId, label: Label): Promise<string> {
  const { protocol, family, address, port } = service;
  if (protocol !== 'fwm') return label(address, port, protocol);
  return `${markOf(address) | 0}${family === 6 ? ' IPv6' : ''}`;
}

function showDestination(destination: DestinationView, { shown, exact }: ServicesStyle): string {
  const figures = figuresOf(destination, shown);
  // ipvsadm never shortens the connections and packets a second of a destination.
  if (figures !== undefined) return showFigures(figures, exact || shown === 'rates', exact);
  if (shown === 'persistence') return showPersistent(destination);
  return shown === 'thresholds' ? showThresholds(destination) : showRule(destination, shown);
}

function figuresOf(
  { counters, rates }: ServiceView | DestinationView,
  shown: Shown,
): CountersText | undefined {
  if (shown === 'counters') return counters;
  return shown === 'rates' ? rates : undefined;
}

/** A name in its column. One of IPv6 that is too long is not cut but moves the rest. */
function column(name: string, width: number, address: string): string {
  return (familyOf(address) === 4 ? name.slice(0, width) : name).padEnd(width);
}

function showRule(destination: DestinationView, shown: Shown): string {
  const { method, weight } = destination;
  const forward = forwardNames[method].padEnd(7);
  const tunnel = shown === 'tunnels' ? ` ${showTunnel(destination).padEnd(13)}` : '';
  const counts = showConnectionCounts(destination);
  return ` ${forward}${tunnel} ${String(weight).padEnd(6)} ${counts}`;
}

function showThresholds(destination: DestinationView): string {
  const { upperThreshold = 0, lowerThreshold = 0, ...counts } = destination;
  const upper = String(upperThreshold).padEnd(10);
  return ` ${upper} ${String(lowerThreshold).padEnd(10)} ${showConnectionCounts(counts)}`;
}

function showPersistent({ weight, persistentConnections, ...counts }: DestinationView): string {
  const persistent = String(persistentConnections).padEnd(11);
  return ` ${String(weight).padEnd(9)} ${persistent} ${showConnectionCounts(counts)}`;
}

function showConnectionCounts(
  counts: Pick<DestinationView, 'activeConnections' | 'inactiveConnections'>,
): string {
  const active = String(counts.activeConnections).padEnd(10);
  return `${active} ${String(counts.inactiveConnections).padEnd(10)}`;
}

function showFigures(figures: CountersText, exactEvents: boolean, exactBytes: boolean): string {
  const { connections, inPackets, outPackets, inBytes, outBytes } = figures;
  const events = [connections, inPackets, outPackets].map((count) => showCount(count, exactEvents));
  const bytes = [inBytes, outBytes].map((count) => showCount(count, exactBytes));
  return events.concat(bytes).join('');
}

/** A count in nine columns: from 100 million on in units of a thousand, a million and so on. */
function showCount(text: string, exact: boolean): string {
  if (exact || text.length <= 8) return ` ${text.padStart(8)}`;
  const count = BigInt(text);
  if (count < 10n ** 9n) return `${count / 10n ** 3n}K`.padStart(9);
  if (count < 10n ** 11n) return `${count / 10n ** 6n}M`.padStart(9);
  if (count < 10n ** 14n) return `${count / 10n ** 9n}G`.padStart(9);
  return `${count / 10n ** 12n}T`.padStart(9);
}

/** The connections, in the order given; with columns for what persistence engines know. */
export async function showConnections(
  connections: readonly ConnectionView[],
  label: Label,
  hasEngines = false,
): Promise<string> {
  let text =
    'IPVS connection entries\n' +
    'pro expire state       source             virtual            destination' +
    `${hasEngines ? '        pe name          pe_data' : ''}\n`;
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
    const flags = saveSchedulerFlags(service);
    text += `-A ${name} -s ${service.scheduler}${savePersistence(service)}`;
    text += `${flags === undefined ? '' : ` -b ${flags}`}\n`;
    for (const destination of sortDestinations(service.destinations)) {
      const server = await label(destination.address, destination.port, service.protocol);
      const { method, weight } = destination;
      const more = `${thresholdOptions(destination)}${saveTunnel(destination)}`;
      text += `-a ${name} -r ${server} ${methodOptions[method]} -w ${weight}${more}\n`;
    }
  }
  return text;
}

/** ipvsadm saves no thresholds, but reads them: so those who have some keep them. */
function thresholdOptions({ upperThreshold, lowerThreshold }: DestinationView): string {
  const upper = upperThreshold ? ` -x ${upperThreshold}` : '';
  return lowerThreshold ? `${upper} -y ${lowerThreshold}` : upper;
}

async function serviceOption(id: ServiceId, label: Label): Promise<string> {
  if (id.protocol === 'fwm') return `-f ${markOf(id.address) | 0}${id.family === 6 ? ' -6' : ''}`;
  const option = id.protocol === 'tcp' ? '-t' : '-u';
  return `${option} ${await label(id.address, id.port, id.protocol)}`;
}
