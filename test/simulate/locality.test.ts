import { expect, test } from 'vitest';
import { flowOf, Simulation } from '../../ts/simulate/simulation.ts';
import { destination, rule, service } from '../support/rules.ts';

const HOUR_US = 3_600 * 1e6;

/** Who serves a client that comes so late, when a destination is added right before. */
function servedAfter(hours: number): string | undefined {
  const simulation = new Simulation();
  const connect = (port: number) => {
    const { connection } = simulation.packet(flowOf(service(), '198.51.100.7', port), {
      direction: 'in',
      flags: 'S',
    });
    return connection?.destination.address;
  };
  simulation.director.apply(rule.add(service(), 'lblc'));
  simulation.director.apply(rule.addDestination(destination(1, { weight: 9 })));
  connect(1);
  simulation.advance(hours * HOUR_US);
  simulation.director.apply(rule.addDestination(destination(2, { weight: 9 })));
  return connect(2);
}

test('lblc remembers an address for a day of the virtual clock', () => {
  expect([23, 24.6].map(servedAfter)).toEqual(['10.0.0.1', '10.0.0.2']);
});
