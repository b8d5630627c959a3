import { expect, test } from 'vitest';
import { Director } from '../../ts/lvs/director.ts';
import type { LvsErrorCode } from '../../ts/lvs/error.ts';
import type { Operation } from '../../ts/lvs/operation.ts';
import type { Service } from '../../ts/lvs/service.ts';
import { endpointText } from '../../ts/net/address.ts';
import { MemoryDataplane } from '../support/memory_dataplane.ts';
import { readRecording } from '../support/recorded.ts';

/** One line of the recording; vectors/director/director.py tells what the steps are. */
interface Case {
  readonly name: string;
  readonly steps: readonly Step[];
}

type Step =
  | { readonly operation: Operation; readonly answer: string }
  | { readonly connect: string }
  | { readonly list: readonly unknown[] }
  | { readonly timeouts: readonly number[] };

/** What the kernel's refusals read like, in ipvsadm's words or the C library's. */
const MESSAGES: Readonly<Record<LvsErrorCode, readonly string[]>> = {
  SERVICE_EXISTS: ['Service already exists'],
  NO_SUCH_SERVICE: ['No such service'],
  SERVICE_NOT_DEFINED: ['Service not defined', 'No such process'],
  DESTINATION_EXISTS: ['Destination already exists'],
  NO_SUCH_DESTINATION: ['No such destination'],
  NO_SUCH_MARK_RULE: [],
  SCHEDULER_NOT_FOUND: ['Scheduler or persistence engine not found'],
  INVALID: [
    'Invalid operation.  Possibly wrong module version, address not unicast, ...',
    'Invalid argument',
    'Different address family is allowed only for tunneling servers',
  ],
  OUT_OF_RANGE: ['Numerical result out of range'],
  TABLE_FULL: ['Memory allocation problem'],
};

const recording = readRecording<Case>('director/director.jsonl');

test.for(recording)('kernel IPVS answers as we do: $name', ({ steps }) => {
  const dataplane = new MemoryDataplane();
  const director = new Director(dataplane);
  for (const [number, step] of steps.entries()) {
    expect(play(director, dataplane, step), `step ${number}`).toEqual(step);
  }
});

/** What the step looks like when the director plays the kernel's part. */
function play(director: Director, dataplane: MemoryDataplane, step: Step): Step {
  if ('operation' in step) {
    const [result] = director.applyAll([step.operation]);
    const messages = result?.ok ? [''] : MESSAGES[result!.code];
    return { ...step, answer: messages.find((text) => text === step.answer) ?? messages[0]! };
  }
  if ('connect' in step) {
    const [service] = director.services;
    const chosen = director.destinationAt(dataplane.choose(service!)!);
    dataplane.open(chosen!.index);
    return { connect: endpointText(chosen!.address, chosen!.port) };
  }
  if ('timeouts' in step) {
    const { tcpS, tcpFinS, udpS } = director.timeouts;
    return { timeouts: [tcpS, tcpFinS, udpS] };
  }
  return { list: director.services.map((service) => listed(director, service)) };
}

function listed(director: Director, service: Service) {
  return {
    name: endpointText(service.id.address, service.id.port),
    scheduler: service.scheduler.name,
    destinations: service.destinations.map((destination) => ({
      name: endpointText(destination.address, destination.port),
      method: destination.method === 'masq' ? 'Masq' : 'Route',
      weight: destination.weight,
      active: destination.activeConnections,
      inactive: destination.inactiveConnections,
      connections: Number(director.destinationCounters(destination).connections),
    })),
    connections: Number(director.serviceCounters(service).connections),
  };
}
