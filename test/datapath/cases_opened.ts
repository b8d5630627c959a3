import {
  arriving,
  CLIENT,
  connection,
  type Endpoint,
  forwarded,
  opening,
  type PacketCase,
  type RingCase,
  SERVER,
  type Ticket,
  VIP,
  WAYS,
  type Way,
  wayText,
} from './case.ts';

const IN = WAYS.filter(({ direction }) => direction === 'in');
const TCP_IN = IN.filter(({ protocol }) => protocol === 'tcp');
const MASQ = WAYS.filter(({ method }) => method === 'masq');
const TCP4: Way = { family: 4, protocol: 'tcp', method: 'masq', direction: 'in' };

/** The packet of a new connection, and tickets of which none is for it. */
function unopened(name: string, way: Way, ring: Partial<RingCase>): PacketCase {
  return {
    name: `${name}: ${wayText(way)}`,
    ring: { ...way, tickets: [], ...ring },
    frame: arriving(way, { flags: 'S' }).bytes(),
    verdict: 'raised_new',
  };
}

const byTicket: readonly PacketCase[] = [
  ...IN.flatMap((way) => [
    opening('new', way),
    opening('new, one tag', way, { tags: [10] }),
    // Opened by its first packet, which goes no further.
    {
      ...opening('new, TTL 1', way),
      frame: arriving(way, { flags: 'S', ttl: 1 }).bytes(),
      verdict: 'raised_ttl',
      out: arriving(way, { flags: 'S', ttl: 1 }).bytes(),
      egress: 0,
      counters: { connections: 1 },
    } as const,
  ]),
  // Any segment does with sloppy_tcp.
  { ...opening('new, A', TCP4, { flags: 'A' }), settings: { sloppy_tcp: 1 }, state: 'established' },
  { ...opening('new, FA', TCP4, { flags: 'FA' }), settings: { sloppy_tcp: 1 }, state: 'close' },
];

const refusing: readonly Ticket[] = ['quiesced', 'overloaded', 'removed'];
const eightRefusing = Array.from({ length: 8 }, (_, i) => refusing[i % refusing.length]!);

/** As many as are tried for one packet, and one more. */
const skipped: readonly PacketCase[] = [
  ...[...refusing.map((one) => [one]), refusing, eightRefusing.slice(1)].flatMap((before) =>
    IN.map((way): PacketCase => {
      const tickets: readonly Ticket[] = [...before, 'accepting'];
      const ring = { ...way, tickets };
      return { ...opening(`behind ${before.join()}`, way), ring, taken: tickets.length };
    }),
  ),
  ...IN.map((way) => ({
    ...unopened('all refuse', way, { tickets: refusing }),
    taken: refusing.length,
  })),
  ...IN.map((way) => ({
    ...unopened('eight refuse', way, { tickets: [...eightRefusing, 'accepting'] }),
    taken: 8,
  })),
  ...IN.map((way) => unopened('no ticket left', way, {})),
  // Before they are used up, one connection goes to ask for more.
  ...IN.flatMap((way) => [
    unopened('asks for more tickets', way, { tickets: ['accepting'], askAt: 0 }),
    {
      ...opening('the next one asks', way),
      ring: { ...way, tickets: ['accepting', 'accepting'], askAt: 1 } as const,
    },
    {
      ...unopened('asks behind a refusal', way, { tickets: ['quiesced', 'accepting'], askAt: 1 }),
      taken: 1,
    },
  ]),
];

/** The destination has 20 connections: room for one more, or its threshold was lowered. */
const thresholds: readonly PacketCase[] = IN.flatMap((way): PacketCase[] => [
  {
    ...opening('last place of a destination', way),
    ring: { ...way, tickets: ['accepting'], upper: 21 },
    overloaded: true,
  },
  {
    ...opening('one past the threshold of a destination that was not overloaded', way),
    ring: { ...way, tickets: ['accepting'], upper: 20 },
    overloaded: true,
  },
]);

/** What stands in the table is over: it ends, and what the packet opens is another one. */
const anew: readonly PacketCase[] = [
  ...IN.map((way) => ({
    ...opening('expired', way),
    connection: connection(way, { expired: true }),
  })),
  ...IN.map((way) => ({
    ...unopened('expired, no ticket left', way, {}),
    connection: connection(way, { expired: true }),
  })),
  ...TCP_IN.map((way) => ({
    ...unopened('expired, A', way, {}),
    frame: arriving(way).bytes(),
    verdict: 'passed_not_syn' as const,
    connection: connection(way, { expired: true }),
    timeoutS: 0,
  })),
  ...WAYS.filter(({ direction }) => direction === 'out').map((way) => ({
    ...unopened('expired', way, {}),
    frame: arriving(way).bytes(),
    verdict: 'passed_not_ours' as const,
    connection: connection(way, { expired: true }),
    timeoutS: 0,
  })),
  ...TCP_IN.flatMap((way) =>
    (['time_wait', 'close'] as const).map((state) => ({
      ...opening(`SYN on ${state}`, way),
      connection: connection(way, { state }),
    })),
  ),
];

/** The buckets of a client's endpoint overflow, or all do. */
const crowded: readonly PacketCase[] = [
  ...MASQ.map((way) => ({
    ...forwarded('beside a hundred of its client', way),
    others: 'a hundred of this client' as const,
  })),
  ...TCP_IN.map((way) => ({
    ...opening('new, beside a hundred of its client', way),
    others: 'a hundred of this client' as const,
  })),
  ...MASQ.map((way) => ({
    ...forwarded('in a full table', way),
    others: 'as many as fit' as const,
  })),
  ...IN.map((way) => ({
    ...unopened('new, in a full table', way, { tickets: ['accepting'] }),
    others: 'as many as fit' as const,
    verdict: 'dropped_table_full' as const,
  })),
];

/** Clients that are more than that: a real server, and the director itself at its own address. */
const clients: readonly PacketCase[] = ([4, 6] as const).flatMap((family) => {
  const ours: Readonly<Record<string, Endpoint>> = {
    'a real server': { ...SERVER[family], port: CLIENT[family].port },
    'a virtual address': { ...VIP[family], port: CLIENT[family].port },
  };
  return Object.entries(ours).flatMap(([name, client]) =>
    MASQ.filter((way) => way.family === family).flatMap((way): PacketCase[] => {
      const of = { ...way, client };
      const known = forwarded(`client is ${name}`, of);
      return way.direction === 'in' ? [known, opening(`new, client is ${name}`, of)] : [known];
    }),
  );
});

/** Nothing is looked up, or checked, for addresses that are not ours. */
const unknown: readonly PacketCase[] = WAYS.map((way) => ({
  name: `addresses that are not ours: ${wayText(way)}`,
  unknown: true,
  connection: connection(way),
  frame: arriving(way, { ip4: { checksumError: 7 } }).bytes(),
  verdict: 'passed_not_ours',
}));

/** Packets without a connection of their own, at a director that has tickets. */
export const OPENED: readonly PacketCase[] = [
  ...byTicket,
  ...skipped,
  ...thresholds,
  ...anew,
  ...crowded,
  ...clients,
  ...unknown,
];

/** With all tickets used and nobody who draws more, the last ones are used again. */
export const REUSED: readonly PacketCase[] = IN.flatMap((way): PacketCase[] => [
  {
    ...opening('tickets used again', way),
    ring: { ...way, tickets: ['accepting', 'accepting'], used: true },
    taken: 0,
    reused: 1,
  },
  {
    ...opening('tickets used again, some of which refuse', way),
    ring: { ...way, tickets: ['quiesced', 'removed', 'accepting'], used: true },
    taken: 0,
    reused: 3,
  },
  {
    ...unopened('tickets used again, all of which refuse', way, { tickets: refusing, used: true }),
    reused: 8,
  },
]);
