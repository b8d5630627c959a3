import { expect, test } from 'vitest';
import type {
  ConnectionView,
  CountersText,
  DestinationView,
  ServiceView,
} from '../../ts/api/types.ts';
import { namedLabel, numericLabel } from '../../ts/cli/labels.ts';
import { showConnections, showServices } from '../../ts/cli/show.ts';
import type { Protocol } from '../../ts/lvs/operation.ts';
import { familyOf, parseAddress } from '../../ts/net/address.ts';
import { readRecording } from '../support/recorded.ts';
import { recordedNames } from './recordings.ts';

/** Listings by command line; the last line also has the connections as /proc lists them. */
const [counted, zeroed, connected] = readRecording<Record<string, string>>(
  'ipvsadm/traffic.jsonl',
) as [Record<string, string>, Record<string, string>, Record<string, string>];
const named = namedLabel(recordedNames);

test.for([
  ['before they are zeroed', counted],
  ['after they were zeroed', zeroed],
] as const)('counters %s are listed as ipvsadm lists them', async ([, listings]) => {
  const services = parseServices(listings['-Ln --stats --exact']!, listings['-Ln']!);
  const style = { label: numericLabel, shown: 'counters' as const, exact: false, sort: true };
  const withoutVersion = (args: string) => listings[args]!.replace(/^.*\n/, '');
  expect(await showServices(services, style)).toBe(withoutVersion('-Ln --stats'));
  expect(await showServices(services, { ...style, exact: true })).toBe(
    withoutVersion('-Ln --stats --exact'),
  );
  expect(await showServices(services, { ...style, label: named })).toBe(
    withoutVersion('-L --stats'),
  );
  expect(await showServices(services, { ...style, shown: 'rules' })).toBe(withoutVersion('-Ln'));
  expect(await showServices(services, { ...style, shown: 'rules' as const, label: named })).toBe(
    withoutVersion('-L'),
  );
});

test('connections are listed as ipvsadm lists them', async () => {
  const connections = connected.proc!.trimEnd().split('\n').slice(1).map(parseConnection);
  expect(await showConnections(connections, numericLabel)).toBe(connected['-Lnc']);
  expect(await showConnections(connections, named)).toBe(connected['-Lc']);
});

test.for([
  ['99999999', ' 99999999'],
  ['100000000', '  100000K'],
  ['999999999', '  999999K'],
  ['1000000000', '    1000M'],
  ['99999999999', '   99999M'],
  ['100000000000', '     100G'],
  ['99999999999999', '   99999G'],
  ['100000000000000', '     100T'],
  ['18446744073709551615', '18446744T'],
] as const)('%s bytes take nine columns', async ([count, text]) => {
  const service = serviceOf('10.0.0.1', counters(count));
  const style = { label: numericLabel, shown: 'counters' as const, exact: false, sort: true };
  expect(await showServices([service], style)).toContain(`        0        0        0${text}`);
  const exact = await showServices([service], { ...style, exact: true });
  expect(exact).toContain(` ${count.padStart(8)}        0\n`);
});

test('minutes of an expiry are not wrapped at an hour', async () => {
  const [one] = connected.proc!.trimEnd().split('\n').slice(1).map(parseConnection);
  const text = await showConnections([{ ...one!, expiresS: 86400 * 31 }], numericLabel);
  expect(text).toContain(' 44640:00 ');
});

test('nosort keeps the order of the director', async () => {
  const services = ['10.0.0.2', '10.0.0.1'].map((address) => serviceOf(address, counters('0')));
  const style = { label: numericLabel, shown: 'rules' as const, exact: false };
  const sorted = await showServices(services, { ...style, sort: true });
  const unsorted = await showServices(services, { ...style, sort: false });
  expect(sorted).toMatch(/10\.0\.0\.1[\s\S]*10\.0\.0\.2/);
  expect(unsorted).toMatch(/10\.0\.0\.2[\s\S]*10\.0\.0\.1/);
});

test('a service that is scheduled one by one says so', async () => {
  const exact = { ...serviceOf('10.0.0.1', counters('0')), exact: true };
  const style = { label: numericLabel, shown: 'rules' as const, exact: false, sort: true };
  expect(await showServices([exact], style)).toContain('TCP  10.0.0.1:80 rr (exact)\n');
});

function serviceOf(address: string, counts: CountersText): ServiceView {
  const id = { protocol: 'tcp', family: familyOf(address), address, port: 80 } as const;
  return { ...id, scheduler: 'rr', counters: counts, destinations: [] };
}

function counters(inBytes: string): CountersText {
  return { connections: '0', inPackets: '0', outPackets: '0', inBytes, outBytes: '0' };
}

/** What the director would have replied, from the exact counters and the rules as listed. */
function parseServices(exact: string, rules: string): ServiceView[] {
  const services: ServiceView[] = [];
  const ruleLines = rules.split('\n').slice(3);
  for (const [i, line] of exact.trimEnd().split('\n').slice(3).entries()) {
    const [kind, endpoint, ...counts] = line.trim().split(/ +/) as [string, string, ...string[]];
    const { address, port } = parseEndpoint(endpoint);
    const [connections, inPackets, outPackets, inBytes, outBytes] = counts as [
      string,
      string,
      string,
      string,
      string,
    ];
    const figures = { counters: { connections, inPackets, outPackets, inBytes, outBytes } };
    const rule = ruleLines[i]!.trim().split(/ +/);
    if (kind === '->') {
      (services.at(-1)!.destinations as DestinationView[]).push({
        ...figures,
        address,
        port,
        method: 'masq',
        weight: Number(rule[3]),
        activeConnections: Number(rule[4]),
        inactiveConnections: Number(rule[5]),
        persistentConnections: 0,
      });
      continue;
    }
    services.push({
      ...figures,
      protocol: kind.toLowerCase() as Protocol,
      family: familyOf(address),
      address,
      port,
      scheduler: rule[2]!,
      destinations: [],
    });
  }
  return services;
}

function parseEndpoint(text: string): { address: string; port: number } {
  const colon = text.lastIndexOf(':');
  const address = text.slice(0, colon).replace(/[[\]]/g, '');
  return { address, port: Number(text.slice(colon + 1)) };
}

/** A line of /proc/net/ip_vs_conn. */
function parseConnection(line: string): ConnectionView {
  const words = line.trim().split(/ +/);
  const [protocol, client, clientPort, virtual, virtualPort, destination, port, state, expires] =
    words as [string, string, string, string, string, string, string, string, string];
  return {
    protocol: protocol.toLowerCase() as Protocol,
    state,
    expiresS: Number(expires),
    clientAddress: procAddress(client),
    clientPort: Number.parseInt(clientPort, 16),
    virtualAddress: procAddress(virtual),
    virtualPort: Number.parseInt(virtualPort, 16),
    destinationAddress: procAddress(destination),
    destinationPort: Number.parseInt(port, 16),
  };
}

function procAddress(hex: string): string {
  if (hex.includes(':')) return parseAddress(hex)!.text;
  return hex
    .match(/../g)!
    .map((byte) => Number.parseInt(byte, 16))
    .join('.');
}
