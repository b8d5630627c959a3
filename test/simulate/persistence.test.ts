import { expect, test } from 'vitest';
import { stateName } from '../../ts/lvs/connection.ts';
import { keepsPort, PORT_INVALID } from '../../ts/lvs/persistence.ts';
import { endpointText, familyOf } from '../../ts/net/address.ts';
import { type Connection, isTemplate } from '../../ts/simulate/connections.ts';
import { applyRule } from '../../ts/simulate/rules.ts';
import { flowOf, Simulation } from '../../ts/simulate/simulation.ts';
import {
  comparable,
  countsOf,
  HANDSHAKE,
  idOf,
  PERSISTENCE_CASES,
  type RecordedEvent,
  type RecordedFlow,
  type Result,
  type Row,
} from '../support/persistence.ts';

async function happen(simulation: Simulation, event: RecordedEvent): Promise<void> {
  switch (event.op) {
    case 'rule':
      await applyRule(simulation.director, event.args);
      break;
    case 'set':
      simulation.director.apply({ op: 'setSettings', settings: { [event.name]: event.value } });
      break;
    case 'advance':
      simulation.advance(simulation.nowUs + event.seconds * 1e6);
      break;
    case 'packet':
      simulation.packet(flow(event), { direction: event.dir, flags: event.flags });
      break;
    case 'connect':
      simulation.packets(
        flow(event),
        HANDSHAKE.map(({ dir, flags }) => ({ direction: dir, flags })),
      );
  }
}

function flow(event: RecordedFlow) {
  const { proto: protocol, sport, dport: port, mark } = event;
  const { client, address } = idOf(event);
  return flowOf({ protocol, family: familyOf(address), address, port }, client, sport, mark);
}

function result(simulation: Simulation): Result {
  const rows = Array.from(simulation.connections, (one) => row(one, simulation.nowUs));
  return { rows, counts: countsOf(simulation.director) };
}

/** Of the key's words: client, its port, or that it is a template; protocol, virtual endpoint. */
function row(connection: Connection, nowUs: number): Row {
  const [client, port, protocol, virtual] = connection.key.split(' ') as [
    string,
    string,
    ...string[],
  ];
  const { destination, state, expiresUs } = connection;
  const vport = Number(virtual!.slice(virtual!.lastIndexOf(':') + 1));
  const isOwn = connection.controller !== undefined || isTemplate(connection);
  const keeps = isOwn && keepsPort(destination.service!.id, vport);
  const dport = keeps || vport === PORT_INVALID ? vport : destination.port;
  return [
    protocol === 'fwm' ? 'IP' : protocol!.toUpperCase(),
    endpointText(client, isTemplate(connection) ? 0 : Number(port)),
    virtual!,
    endpointText(destination.address, dport),
    stateName(state),
    Math.floor((expiresUs - nowUs) / 1e6),
  ];
}

/** The simulator has no sweep: what a setting ends is ended by its next packet. */
const SWEPT = /expire_nodest_conn=1/;

test.for(PERSISTENCE_CASES.filter(({ name }) => !SWEPT.test(name)))(
  'clients are remembered as kernel IPVS does: $name',
  async ({ steps }) => {
    const simulation = new Simulation();
    for (const { event, ...recorded } of steps) {
      await happen(simulation, event);
      const now = comparable(result(simulation), recorded);
      expect({ event, ...now }).toEqual({ event, ...comparable(recorded, recorded) });
    }
  },
);
