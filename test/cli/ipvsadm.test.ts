import fc from 'fast-check';
import { expect, test } from 'vitest';
import { operationSchema } from '../../ts/api/schema.ts';
import type { ServiceView } from '../../ts/api/types.ts';
import { parseIpv4, parseNumber } from '../../ts/cli/endpoint.ts';
import { parseCommandLine } from '../../ts/cli/ipvsadm.ts';
import { namedLabel, numericLabel } from '../../ts/cli/labels.ts';
import { UsageError } from '../../ts/cli/messages.ts';
import { optionTable } from '../../ts/cli/options.ts';
import { showRules } from '../../ts/cli/show.ts';
import { addressText, familyOf } from '../../ts/net/address.ts';
import { recordedNames } from './recordings.ts';

const address = fc
  .oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  )
  .map(addressText);

/** Words as people type them, next to anything at all. */
const word = fc.oneof(
  fc.constantFrom(...optionTable.map(({ long }) => `--${long}`)),
  fc.constantFrom(...optionTable.flatMap(({ short }) => (short ? [`-${short}`] : []))),
  fc.constantFrom('10.99.0.1:80', '[2001:db8::1]:80', 'vip.example:http', 'rr', '5', '-', '--', ''),
  fc.tuple(address, fc.nat(70000)).map(([text, port]) => `${text}:${port}`),
  fc.string(),
  fc.string().map((text) => `-${text}`),
  fc.tuple(fc.constantFrom(...optionTable), fc.string()).map(([{ long }, v]) => `--${long}=${v}`),
);

test('any words make a request that the daemon reads, or a UsageError', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 8 }), async (words) => {
      const outcome = await parseCommandLine(words, recordedNames).catch((error) => error);
      if (outcome instanceof UsageError) return;
      expect(outcome).toHaveProperty('kind');
      if (outcome.kind === 'change') operationSchema.parse(outcome.operation);
    }),
    { numRuns: 3000 },
  );
});

/** Services of one family each, as the director would tell them. */
const service: fc.Arbitrary<ServiceView> = fc
  .record({
    address,
    protocol: fc.constantFrom('tcp' as const, 'udp' as const),
    port: fc.integer({ min: 1, max: 65535 }),
    scheduler: fc.constantFrom('rr', 'wrr', 'lc', 'wlc'),
    servers: fc.uniqueArray(address, { maxLength: 3 }),
    exact: fc.boolean(),
    weight: fc.nat(2 ** 31 - 1),
    method: fc.constantFrom('masq' as const, 'route' as const),
  })
  .map(({ servers, weight, method, exact, ...rest }) => {
    const id = { ...rest, ...(exact && { exact: true }) };
    const counters = {
      connections: '0',
      inPackets: '0',
      outPackets: '0',
      inBytes: '0',
      outBytes: '0',
    };
    const family = familyOf(id.address);
    const destinations = servers
      .filter((one) => familyOf(one) === family)
      .map((one) => ({
        ...{ address: one, port: id.port, method, weight, counters },
        activeConnections: 0,
        inactiveConnections: 0,
        persistentConnections: 0,
      }));
    return { ...id, family, counters, destinations };
  });

test.for([
  ['numbers', numericLabel],
  ['names', namedLabel(recordedNames)],
] as const)('rules saved with %s are read back as they were', async ([, label]) => {
  await fc.assert(
    fc.asyncProperty(service, async (saved) => {
      const lines = (await showRules([saved], label)).trimEnd().split('\n');
      const requests = await Promise.all(
        lines.map((line) => parseCommandLine(line.split(' '), recordedNames)),
      );
      const operations = requests.map((one) => (one.kind === 'change' ? one.operation : one));
      const { counters: _, destinations, ...spec } = saved;
      const { scheduler, exact, ...id } = spec;
      expect(operations[0]).toEqual({ op: 'addService', service: spec });
      const added = destinations.map(({ address: at, port, method, weight }) => ({
        op: 'addDestination',
        service: id,
        destination: { address: at, port, method, weight },
      }));
      // A listing has them in an order of its own.
      expect(operations.slice(1)).toEqual(expect.arrayContaining(added));
      expect(operations).toHaveLength(1 + added.length);
    }),
  );
});

test.each([
  ['rr', 'exact', { exact: true }],
  ['rr', 'flag-3,flag-1', { flags: ['flag-1', 'flag-3'] }],
  ['sh', 'sh-port,sh-fallback', { flags: ['flag-1', 'flag-2'] }],
  ['mh', 'mh-port,flag-2,exact', { flags: ['flag-2'], exact: true }],
])('-s %s -b %s asks for a service with these flags', async (scheduler, flags, service) => {
  const words = ['-A', '-t', '10.0.0.1:80', '-s', scheduler, '-b', flags];
  expect(await parseCommandLine(words, recordedNames)).toMatchObject({ operation: { service } });
});

test('an unknown flag of a scheduler is refused', async () => {
  const words = ['-A', '-t', '10.0.0.1:80', '-s', 'rr', '-b', 'nosuch'];
  await expect(parseCommandLine(words, recordedNames)).rejects.toThrow(
    "invalid scheduler flag `nosuch'",
  );
});

test('a number that strtol reads differently than Number is read as strtol reads it', () => {
  const read = ['+80', ' 80', '080', '-0', '0x50', '80 ', '8e1', '', '٣'].map((text) =>
    parseNumber(text, 0, 65535),
  );
  expect(read).toEqual([80, 80, 80, 0, ...Array(5).fill(undefined)]);
});

test('four decimal parts are the address they spell', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (bytes) => {
      expect(parseIpv4(bytes.join('.'))).toBe(bytes.join('.'));
    }),
  );
});
