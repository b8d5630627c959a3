import { expect, test } from 'vitest';
import { slowPathAnswer } from '../../ts/dataplane/slow_path.ts';
import { XdpDataplane } from '../../ts/dataplane/xdp.ts';
import { Director } from '../../ts/lvs/director.ts';
import { Answer, Family, FlowRecord, Limits, Question } from '../../ts/native/abi.gen.ts';
import { addressBytes, addressText } from '../../ts/net/address.ts';
import { fakeAddon, fakeObject } from '../support/fake_bpf.ts';
import { destination, rule, service } from '../support/rules.ts';

/** A director with one service, its slow path, and the records of one burst. */
function slowPath(scheduler = 'wlc') {
  const dataplane = new XdpDataplane({
    addon: fakeAddon().addon,
    object: fakeObject().object,
    clock: () => ({ jiffies: 0, hz: 250 }),
  });
  const director = new Director(dataplane);
  director.apply(rule.add(service(), scheduler));
  const wanted: string[] = [];
  const nextHops = { want: (target: Uint8Array) => void wanted.push(addressText(target)) };
  const records = new ArrayBuffer(Limits.MAX_BURST * FlowRecord.size);
  const view = new DataView(records);
  const woken: number[] = [];
  const refill = { wake: (index: number) => void woken.push(index) };
  const answer = slowPathAnswer({ director, dataplane, refill, nextHops }, records);

  const put = (place: number, { duplicate = 0, active = 1, of = 0 } = {}): void => {
    const at = place * FlowRecord.size;
    FlowRecord.setQuestion(view, at, Question.SCHEDULE);
    FlowRecord.setService(view, at, of);
    FlowRecord.setDuplicate(view, at, duplicate);
    FlowRecord.setActive(view, at, active);
    FlowRecord.setAnswer(view, at, Answer.NONE);
  };
  const answers = (count: number) =>
    Array.from({ length: count }, (_, place) => FlowRecord.answer(view, place * FlowRecord.size));
  const destinations = (count: number) =>
    Array.from({ length: count }, (_, place) =>
      FlowRecord.destination(view, place * FlowRecord.size),
    );
  return { director, dataplane, view, wanted, woken, answer, put, answers, destinations };
}

test.each(['lc', 'wlc'])(
  'with %s each record of a burst sees the connections of those before it',
  (scheduler) => {
    const { director, dataplane, answer, put, answers, destinations } = slowPath(scheduler);
    for (const x of [1, 2, 3]) director.apply(rule.addDestination(destination(x)));
    for (let place = 0; place < 6; place++) put(place);
    answer(6);
    expect(answers(6)).toEqual(new Array(6).fill(Answer.DESTINATION));
    expect(destinations(6).sort()).toEqual([0, 0, 1, 1, 2, 2]);
    expect([0, 1, 2].map((index) => dataplane.activeConnections(index))).toEqual([2, 2, 2]);
  },
);

test('a round robin that has run out of tickets draws one for each record at least', () => {
  const { director, woken, answer, put, answers } = slowPath('rr');
  for (const x of [1, 2, 3]) director.apply(rule.addDestination(destination(x)));
  const { tickets } = director.serviceAt(0)!;
  for (let place = 0; place < 100; place++) put(place);
  answer(100);
  expect(answers(100)).toEqual(new Array(100).fill(Answer.AGAIN));
  expect(tickets!.ahead).toBeGreaterThanOrEqual(100);
  expect(new Set(woken)).toEqual(new Set([0]));
});

test('an exact round robin goes on from record to record, and from burst to burst', () => {
  const { director, answer, put, destinations } = slowPath('rr');
  director.apply(rule.edit(service(), 'rr', true));
  for (const x of [1, 2, 3]) director.apply(rule.addDestination(destination(x)));
  for (let place = 0; place < 4; place++) put(place);
  answer(4);
  const [first, second, third, fourth] = destinations(4);
  expect(new Set([first, second, third])).toEqual(new Set([0, 1, 2]));
  expect(fourth).toBe(first);
  put(0);
  answer(1);
  expect(destinations(1)).toEqual([second]);
});

test('a duplicate gets no answer and is not counted', () => {
  const { director, dataplane, answer, put, answers } = slowPath();
  director.apply(rule.addDestination(destination(1)));
  put(0);
  put(1, { duplicate: 1 });
  answer(2);
  expect(answers(2)).toEqual([Answer.DESTINATION, Answer.NONE]);
  expect(dataplane.activeConnections(0)).toBe(1);
});

test('a connection that begins inactive counts so', () => {
  const { director, dataplane, answer, put } = slowPath();
  director.apply(rule.addDestination(destination(1)));
  put(0, { active: 0 });
  answer(1);
  expect(dataplane.activeConnections(0)).toBe(0);
  expect(dataplane.inactiveConnections(0)).toBe(1);
});

test.each(['rr', 'wlc'])('without an accepting destination %s refuses the client', (scheduler) => {
  const { director, dataplane, answer, put, answers } = slowPath(scheduler);
  director.apply(rule.addDestination(destination(1, { weight: 0 })));
  put(0);
  answer(1);
  expect(answers(1)).toEqual([Answer.REFUSE]);
  expect(dataplane.activeConnections(0)).toBe(0);
});

test('a packet whose service is gone by now is dropped', () => {
  const { director, answer, put, answers } = slowPath();
  director.apply(rule.delete());
  put(0);
  put(1, { of: 77 });
  answer(2);
  expect(answers(2)).toEqual([Answer.DROP, Answer.DROP]);
});

test.each([
  ['10.0.0.1', Family.IPV4],
  ['2001:db8::', Family.IPV6],
])('a packet without a next hop waits while the way to %s is looked for', (address, family) => {
  const { view, wanted, answer, answers } = slowPath();
  FlowRecord.setQuestion(view, 0, Question.ROUTE);
  FlowRecord.setTargetFamily(view, 0, family);
  new Uint8Array(view.buffer, FlowRecord.targetAt, 16).set(addressBytes(address));
  answer(1);
  expect(answers(1)).toEqual([Answer.WAIT]);
  expect(wanted).toEqual([address]);
});
