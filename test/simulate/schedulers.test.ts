import { expect, test } from 'vitest';
import { addressText, type Family } from '../../ts/net/address.ts';
import { recordedHistories } from '../support/histories.ts';
import { readRecording } from '../support/recorded.ts';
import { clientsOf } from '../support/recorded_clients.ts';
import { flowsOf, type History } from '../support/replay.ts';
import { type Client, type RecordedPast, SimulatedPast } from '../support/simulated_past.ts';

// These look at virtual addresses, of which a service has one: there are no marks yet.
const BY_ADDRESS = /^(scheduler )?(dh|lblc)/;

function isPlayable({ scheduler, events }: RecordedPast): boolean {
  return ![scheduler, ...events].some((text) => BY_ADDRESS.test(text));
}

const cases = ['schedulers/schedulers.jsonl', 'schedulers/tables.jsonl']
  .flatMap((recording) => readRecording<RecordedPast>(recording))
  .filter(isPlayable);
const histories = recordedHistories().filter(isPlayable);

test('more than 200,000 choices are compared', () => {
  const choices = histories.flatMap(({ events }) => events.filter((each) => /^choose/.test(each)));
  const letters = choices.map((choice) => choice.split(' ').at(-1)!.length);
  expect(letters.reduce((sum, count) => sum + count)).toBeGreaterThan(200_000);
});

test.for(cases)('the simulator chooses as kernel IPVS did: $name', async (past) => {
  const comers = oneAfterTheOther(past.family);
  const clients = (seed?: number) => (seed === undefined ? comers : seeded(seed, past.family));
  const simulated = new SimulatedPast(past, { clients, areAllNumbered: false });
  expect(await simulated.run()).toEqual(past.events);
});

test.for(histories)('the simulator goes the way of kernel IPVS: $name', async (history) => {
  const clients = (seed = 0) => recorded(seed, history);
  const simulated = new SimulatedPast(history, { clients, areAllNumbered: true });
  expect(await simulated.run()).toEqual(history.events);
});

function* oneAfterTheOther(family: Family): Generator<Client, never> {
  const src = family === 6 ? '2001:db8:16::1' : '172.16.0.1';
  for (let sport = 1024; ; sport++) yield { src, sport };
}

function* seeded(seed: number, family: Family): Generator<Client, never> {
  const clients = clientsOf(seed, family);
  for (;;) {
    const { client: src, port: sport } = clients.next().value;
    yield { src, sport };
  }
}

function* recorded(seed: number, history: History): Generator<Client, never> {
  const flows = flowsOf(seed, history);
  for (;;) {
    const { clientAddress, clientPort: sport } = flows.next().value;
    yield { src: addressText(clientAddress), sport };
  }
}
