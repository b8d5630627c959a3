import { beforeEach, describe, expect, test } from 'vitest';
import { Connection, Destination, Family, Flow } from '../../ts/native/abi.gen.ts';
import { loadAddon, type MemoryDirector } from '../../ts/native/addon.ts';
import { arriving, forwarded, WAYS, type Way } from './case.ts';
import { DESTINATION, fill } from './tables.ts';

const { MemoryDirector: Memory } = loadAddon();

describe.each([4, 6] as const)('counts and connections of IPv%d', (family) => {
  const way: Way = { family, protocol: 'tcp', method: 'masq', direction: 'in' };
  let director: MemoryDirector;
  let counts: DataView;
  beforeEach(() => {
    director = new Memory();
    fill(director, forwarded('', way));
    counts = new DataView(director.destinations, DESTINATION * Destination.size, Destination.size);
    Destination.setActive(counts, 0, 1);
    Destination.setInactive(counts, 0, 0);
  });

  test('are equal after whatever a packet did', () => {
    expect(director.recount()).toMatchObject({ miscounts: [], unsettled: 0 });
    director.run(arriving(way).bytes());
    expect(director.recount()).toMatchObject({ miscounts: [], unsettled: 0 });
  });

  test('are told where they are apart', () => {
    Destination.setInactive(counts, 0, 3);
    expect(director.recount()).toMatchObject({
      miscounts: [
        {
          destination: DESTINATION,
          counted: { active: 1, inactive: 3 },
          held: { active: 1, inactive: 0 },
        },
      ],
      unsettled: 0,
    });
  });

  test('are told where a connection was not counted', () => {
    Destination.setActive(counts, 0, 0);
    expect(director.recount().miscounts).toEqual([
      {
        destination: DESTINATION,
        counted: { active: 0, inactive: 0, persistent: 0 },
        held: { active: 1, inactive: 0, persistent: 0 },
      },
    ]);
  });
});

test('a template that waits for a connection that is gone waits no more', () => {
  const director = new Memory();
  fill(director, forwarded('', WAYS[0]!));
  const request = new Uint8Array(Flow.size);
  const flow = new DataView(request.buffer);
  Flow.setFamily(flow, 0, Family.IPV4);
  const times = { seenJiffies: 0, timeoutJiffies: 100, state: 0, destination: DESTINATION };
  const slot = director.putConnection({ request, ...times, isTemplate: true });
  const view = new DataView(director.connections, slot * Connection.size, Connection.size);
  // How many it controls; beside that its life.
  Connection.setSequenceDelta(view, 0, 3);
  expect(director.recount()).toMatchObject({ templates: 1 });
  expect(Connection.sequenceDelta(view, 0)).toBe(0);
  expect(director.recount()).toMatchObject({ templates: 0 });
});
