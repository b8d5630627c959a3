import {
  arriving,
  connection,
  forwarded,
  type PacketCase,
  type StateName,
  WAYS,
  type Way,
  wayText,
} from './case.ts';

const TCP = WAYS.filter(({ protocol }) => protocol === 'tcp');
const TCP_IN = TCP.filter(({ direction }) => direction === 'in');
const TCP_OUT = TCP.filter(({ direction }) => direction === 'out');

/** A segment that is forwarded and leads from one state to another. */
function step(way: Way, flags: string, from: StateName, to: StateName): PacketCase {
  const grown = Number(isActive(to)) - Number(isActive(from));
  return {
    ...forwarded(`${flags || 'no flags'} leads from ${from} to ${to}`, way, { flags }),
    connection: connection(way, { state: from }),
    state: to,
    ...(grown && { activated: grown as -1 | 1 }),
  };
}

/** `ipvsadm -L` counts these as active. */
function isActive(state: StateName): boolean {
  return ['established', 'syn_sent', 'syn_recv', 'synack'].includes(state);
}

const steps: readonly PacketCase[] = [
  ...TCP_IN.flatMap((way) => [
    step(way, 'S', 'syn_recv', 'syn_recv'),
    step(way, 'A', 'syn_recv', 'established'),
    step(way, 'PA', 'established', 'established'),
    step(way, 'RA', 'established', 'close'),
    step(way, 'S', 'fin_wait', 'syn_recv'),
    step(way, '', 'established', 'close'),
    // A SYN beside which an RST stands opens nothing, so it belongs to the ended connection.
    step(way, 'SR', 'time_wait', 'close'),
    // The client's FIN is all that is seen of an end with direct routing.
    step(way, 'FA', 'established', way.method === 'masq' ? 'close_wait' : 'fin_wait'),
  ]),
  ...TCP_OUT.flatMap((way) => [
    step(way, 'SA', 'syn_recv', 'syn_recv'),
    step(way, 'FA', 'established', 'fin_wait'),
    step(way, 'FA', 'close_wait', 'time_wait'),
    step(way, 'RA', 'established', 'close'),
    // Only the client opens connections.
    step(way, 'S', 'time_wait', 'syn_sent'),
  ]),
];

/** The client's port is in use again: a connection of its own, scheduled anew. */
const reopened: readonly PacketCase[] = TCP_IN.flatMap((way) =>
  (['time_wait', 'close'] as const).flatMap((state): PacketCase[] => {
    const frame = arriving(way, { flags: 'S' }).bytes();
    const made = { connection: connection(way, { state }), frame } as const;
    const name = `SYN on ${state}: ${wayText(way)}`;
    return [
      { name, ...made, verdict: 'raised_new' },
      {
        name: `${name}, without the service`,
        ...made,
        services: [],
        verdict: 'passed_not_ours',
        timeoutS: 0,
      },
    ];
  }),
);

/** What TCP segments make of a connection's state. */
export const TCP_STATES: readonly PacketCase[] = [...steps, ...reopened];
