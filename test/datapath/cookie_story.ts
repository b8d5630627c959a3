import { expect, test } from 'vitest';
import { destinationOptions, eth } from '../support/packet.ts';
import { type TcpOption, tcpFrame } from '../support/tcp.ts';
import { CLIENT, LINKS, SERVER, VIP } from './case.ts';
import {
  CLIENT_ISN,
  CookieTalk,
  type CookieTarget,
  clockOf,
  SERVER_ISN,
  SYN_OPTIONS,
} from './cookie_talk.ts';

/** What SYN cookies do, on whichever target. */
export function describeCookies(target: () => CookieTarget): void {
  answerTests(target);
  wrappingTests(target);
  whenTests(target);
  handshakeTests(target);
  repetitionTests(target);
  synAckTests(target);
  translationTests(target);
}

const right = { checksum: true, headerChecksum: true };

function answerTests(target: () => CookieTarget): void {
  test('a SYN is answered with a closed window, and nothing is kept', () => {
    const talk = new CookieTalk(target());
    const { verdict, read, frame } = talk.syn();
    expect(verdict).toBe('answered_cookie');
    expect(talk.kept).toBeUndefined();
    expect(frame).toHaveLength(14 + 20 + 40);
    expect(read).toMatchObject({
      ...right,
      from: VIP[4].address,
      to: CLIENT[4].address,
      ports: [VIP[4].port, CLIENT[4].port],
      sourceMac: '020000000001',
      targetMac: '020000000002',
      flags: 'SA',
      acknowledgement: (CLIENT_ISN + 1) >>> 0,
      window: 0,
      ttl: 64,
      options: [
        ['mss', 1460],
        ['sackPermitted'],
        ['timestamps', expect.any(Number), 7000],
        ['scale', 7],
      ],
      data: '',
    });
  });

  test.each<[string, TcpOption[], string[]]>([
    ['no options', [], ['mss']],
    ['no timestamps', [['mss', 1400], ['sackPermitted'], ['scale', 7]], ['mss']],
    ['timestamps alone', [['timestamps', 5, 0]], ['mss', 'timestamps']],
  ])('a SYN of %s is answered with %j', (_, options, answered) => {
    const { read } = new CookieTalk(target()).syn({ options });
    expect(read).toMatchObject(right);
    expect(read.options.map(([name]) => name)).toEqual(answered);
  });
}

function wrappingTests(target: () => CookieTarget): void {
  const [at4, at6] = [
    [CLIENT[4].address, VIP[4].address],
    [CLIENT[6].address, VIP[6].address],
  ] as const;
  test.each([
    [
      'IPv4 in a VLAN',
      4,
      eth(LINKS.arriving)
        .vlan(7)
        .ip4(...at4, { ttl: 3 }),
    ],
    ['IPv4 with options', 4, eth(LINKS.arriving).ip4(...at4, { options: [1, 1, 1, 0] })],
    [
      'IPv4, padded',
      4,
      eth(LINKS.arriving)
        .ip4(...at4)
        .padded(26),
    ],
    ['IPv6', 6, eth(LINKS.arriving).ip6(...at6)],
    [
      'IPv6 with an extension header',
      6,
      eth(LINKS.arriving).ip6(...at6, { extensions: [destinationOptions()] }),
    ],
  ] as const)('a SYN in %s is answered in the same', (_, family, frame) => {
    const talk = new CookieTalk(target(), family);
    const [from, to] = family === 4 ? at4 : at6;
    const ports = [CLIENT[4].port, VIP[4].port] as const;
    const { read } = talk.pass(tcpFrame({ from, to, ports, flags: 'S', data: 'early' }, frame));
    expect(read).toMatchObject({ ...right, flags: 'SA', ttl: 64, data: '', from: to, to: from });
    expect(read.options[0]).toEqual(['mss', family === 6 ? 1440 : 1460]);
  });
}

function whenTests(target: () => CookieTarget): void {
  const opened = 'forwarded_in';
  test.each([
    ['off', { syn_cookies: 0 }, opened],
    ['under attack', { syn_cookies: 1 }, opened],
  ] as const)('set to %s, without one, a SYN opens its connection', (_, settings, verdict) => {
    expect(new CookieTalk(target(), 4, { settings }).syn().verdict).toBe(verdict);
  });

  test('a SYN of a service with direct routing opens its connection', () => {
    const ring = { family: 4, method: 'route', tickets: ['accepting'] } as const;
    const talk = new CookieTalk(target(), 4, { ring });
    expect(talk.syn().verdict).toBe(opened);
    expect(talk.state).toBe('syn_recv');
  });
}

function handshakeTests(target: () => CookieTarget): void {
  test.each([4, 6] as const)('IPv%i: an ACK becomes the SYN of what was negotiated', (family) => {
    const talk = new CookieTalk(target(), family);
    const answer = talk.syn();
    const { verdict, read } = talk.ack(answer, { data: 'x'.repeat(1000) });
    expect(verdict).toBe('forwarded_cookie');
    expect(read).toMatchObject({
      ...right,
      to: SERVER[family].address,
      ports: [CLIENT[family].port, SERVER[family].port],
      flags: 'S',
      sequence: CLIENT_ISN,
      acknowledgement: 0,
      window: 100 << 9,
      options: [
        ['mss', family === 4 ? 1460 : 1440],
        ['sackPermitted'],
        ['timestamps', 7001, 0],
        ['scale', 9],
      ],
      data: '',
      ttl: 63,
    });
    expect(talk.state).toBe('syn_recv');
    const { sequence } = answer.read;
    expect(talk.kept).toMatchObject({ sequence, timestamp: clockOf(answer.read) });
  });

  test.each([
    [100, 536],
    [1299, 536],
    [1300, 1300],
    [1439, 1300],
    [1440, 1440],
    [9000, 1460],
  ])('an MSS of %i is %i to the server', (mss, kept) => {
    const talk = new CookieTalk(target());
    expect(talk.ack(talk.syn({ options: [['mss', mss]] })).read.options).toEqual([['mss', kept]]);
  });
}

function repetitionTests(target: () => CookieTarget): void {
  test("an ACK again, or Linux's window probe, is the same SYN again", () => {
    const talk = new CookieTalk(target());
    const answer = talk.syn();
    const first = talk.ack(answer);
    expect(talk.ack(answer)).toEqual(first);
    expect(talk.ack(answer, { sequence: CLIENT_ISN })).toEqual(first);
  });

  test('a client that begins anew before the server has answered is another SYN', () => {
    const talk = new CookieTalk(target());
    talk.ack(talk.syn());
    const anew = talk.syn({ sequence: 5 });
    expect(anew.verdict).toBe('answered_cookie');
    expect(talk.ack(anew)).toMatchObject({ verdict: 'forwarded_cookie', read: { sequence: 5 } });
    expect(talk.kept).toMatchObject({ sequence: anew.read.sequence });
  });

  test.each([4, 1000, 0x8000_0000])('an ACK %i beside a cookie is dropped', (off) => {
    const talk = new CookieTalk(target());
    const answer = talk.syn();
    const acknowledgement = (answer.read.sequence + 1 + off) >>> 0;
    expect(talk.ack(answer, { acknowledgement }).verdict).toBe('dropped_cookie');
    expect(talk.kept).toBeUndefined();
  });

  test('an ACK whose connection the slow path has to schedule is raised as the SYN', () => {
    const ring = { family: 4, method: 'masq', tickets: [] } as const;
    const talk = new CookieTalk(target(), 4, { ring });
    const answer = talk.syn();
    const { verdict, read } = talk.ack(answer);
    expect(verdict).toMatch(/^(raised_new|dropped_no_slow_path)$/);
    const carried = { acknowledgement: answer.read.sequence, checksum: true };
    expect(read).toMatchObject({ flags: 'S', sequence: CLIENT_ISN, ...carried });
  });
}

function synAckTests(target: () => CookieTarget): void {
  test.each([4, 6] as const)("IPv%i: the server's SYN+ACK opens the window", (family) => {
    const talk = new CookieTalk(target(), family);
    const { answer, octet } = talk.open();
    expect(octet.verdict).toBe('forwarded_out');
    expect(octet.read).toMatchObject({
      ...right,
      from: VIP[family].address,
      flags: 'A',
      sequence: answer.read.sequence,
      acknowledgement: (CLIENT_ISN + 1) >>> 0,
      window: 65160 >> 7,
      options: [['timestamps', clockOf(answer.read), 7001]],
      data: '\0',
    });
    expect(talk.kept).toEqual({
      sequence: (SERVER_ISN - answer.read.sequence) >>> 0,
      timestamp: (99 - clockOf(answer.read)) >>> 0,
      shiftIn: 0,
      shiftOut: 0,
    });
    expect(talk.synAck().read).toEqual(octet.read);
  });

  interface Scales {
    readonly name: string;
    readonly client?: readonly TcpOption[];
    readonly server: TcpOption[];
    readonly kept: object;
    readonly window?: number;
  }
  test.each<Scales>([
    { name: 'a smaller scale', server: [['scale', 2]], kept: { shiftIn: 0, shiftOut: -5 } },
    { name: 'a larger scale', server: [['scale', 14]], kept: { shiftIn: 0, shiftOut: 7 } },
    { name: 'no scale for one', server: [], kept: { shiftIn: 9, shiftOut: -7 } },
    {
      name: 'no scale for none',
      client: [['mss', 1460]],
      server: [],
      kept: { shiftIn: 0, shiftOut: 0 },
      window: 65160,
    },
  ])('a server with $name', ({ client = SYN_OPTIONS, server, kept, window = 509 }) => {
    const talk = new CookieTalk(target());
    const { octet } = talk.open({ options: client }, { options: server });
    expect(talk.kept).toMatchObject(kept);
    expect(octet.read.window).toBe(window);
  });

  test("a server's refusal resets the client, who expects this very number", () => {
    const talk = new CookieTalk(target());
    const answer = talk.syn();
    talk.ack(answer);
    const refusal = { flags: 'RA', sequence: 0, acknowledgement: (CLIENT_ISN + 1) >>> 0 };
    expect(talk.reply(refusal).read).toMatchObject({
      ...refusal,
      ...right,
      sequence: (answer.read.sequence + 1) >>> 0,
    });
    expect(talk.state).toBe('close');
  });

  test("a server's ACK of something older is dropped, and the client asked again", () => {
    const talk = new CookieTalk(target());
    const answer = talk.syn();
    talk.ack(answer);
    expect(talk.reply({ flags: 'A' }).verdict).toBe('dropped_cookie');
    expect(talk.ack(answer).verdict).toBe('forwarded_cookie');
  });
}

function translationTests(target: () => CookieTarget): void {
  test.each([4, 6] as const)('IPv%i: either side sees the numbers that it knows', (family) => {
    const talk = new CookieTalk(target(), family);
    const { answer, octet } = talk.open();
    const [mine, clock] = [answer.read.sequence, clockOf(octet.read)];
    const request = talk.ack(octet, {
      acknowledgement: (mine + 1) >>> 0,
      options: [
        ['timestamps', 20, clock + 5],
        ['sack', mine + 10, mine + 20],
      ],
      data: 'request',
    });
    expect(request.verdict).toBe('forwarded_in');
    expect(request.read).toMatchObject({
      ...right,
      acknowledgement: (SERVER_ISN + 1) >>> 0,
      window: 100,
      options: [
        ['timestamps', 20, 104],
        ['sack', (SERVER_ISN + 10) >>> 0, (SERVER_ISN + 20) >>> 0],
      ],
      data: 'request',
    });
    expect(talk.state).toBe('established');
    const data = { sequence: (SERVER_ISN + 300) >>> 0, acknowledgement: 77, data: 'an answer' };
    const options: TcpOption[] = [['nop'], ['nop'], ['timestamps', 110, 20]];
    const response = talk.reply({ flags: 'PA', window: 300, ...data, options });
    expect(response.verdict).toBe('forwarded_out');
    expect(response.read).toMatchObject({
      ...right,
      ...data,
      sequence: (mine + 300) >>> 0,
      window: 300,
      options: [['timestamps', clock + 11, 20]],
    });
  });

  test('a wrong checksum stays wrong', () => {
    const talk = new CookieTalk(target());
    const { octet } = talk.open();
    const { from, to, ports } = octet.read;
    const ends = { from: to, to: from, ports: [ports[1], ports[0]] as const };
    const frame = tcpFrame({ ...ends, flags: 'A', acknowledgement: 5, data: 'x' });
    frame[frame.length - 1]! ^= 4;
    expect(talk.pass(frame)).toMatchObject({ verdict: 'forwarded_in', read: { checksum: false } });
  });
}
