import { DaemonError, NoDaemonError } from '../api/client.ts';
import type {
  ConnectionsReply,
  Figures,
  OperationsReply,
  OperationsRequest,
  ServicesReply,
  Timeouts,
} from '../api/types.ts';
import type { Operation, ServiceId } from '../lvs/operation.ts';
import type { ListRequest, Request } from './ipvsadm.ts';
import { type Label, namedLabel, numericLabel } from './labels.ts';
import { refusalText, status, UsageError } from './messages.ts';
import type { Names } from './names.ts';
import { showConnections, showRules, showServices, showTimeouts, showVersion } from './show.ts';

/** What the commands ask of the daemon; `api/client.ts` is one. */
export interface Director {
  operations(request: OperationsRequest): Promise<OperationsReply>;
  services(id?: ServiceId, figures?: Figures): Promise<ServicesReply>;
  connections(): Promise<ConnectionsReply>;
  timeouts(): Promise<Timeouts>;
}

/** Where a command line runs. Texts in and out are bytes, one character each (latin1). */
export interface Session {
  readonly director: Director;
  readonly names: Names;
  /** The command line, for the daemon's log. */
  readonly caller?: string;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Starts the daemon; undefined where that is not wanted. */
  readonly start?: () => Promise<void>;
}

/** The listings of a kernel's IPVS without a rule. */
const nothing = {
  services: { tableSize: 4096, services: [] },
  connections: { connections: [] },
  timeouts: { tcpS: 900, tcpFinS: 120, udpS: 300 },
} as const;

/** Tells an error of the command line or of the daemon in one line; returns the exit status. */
export function complain(error: unknown, session: Session): number {
  if (error instanceof UsageError) {
    session.err(`${error.message}\n`);
    return error.status;
  }
  if (error instanceof NoDaemonError || error instanceof DaemonError) {
    session.err(`xlvs: ${error.message}\n`);
    return status.usage;
  }
  throw error;
}

/** Carries out any request but -R. */
export async function carryOut(
  request: Exclude<Request, { kind: 'restore' }>,
  session: Session,
): Promise<number> {
  switch (request.kind) {
    case 'change':
      return change({ operations: [request.operation], start: request.start }, session);
    case 'list':
      return list(request, session);
    case 'save': {
      const asked = session.director.services(undefined, 'none');
      const { services } = await withoutDaemon(asked, nothing.services);
      session.out(await showRules(services, labelOf(request.numeric, session)));
      return status.done;
    }
    case 'print':
      session.out(request.text);
      return status.done;
  }
}

/** Operations that belong together, and whether the daemon may be started for them. */
export interface Change {
  readonly operations: readonly Operation[];
  readonly start: boolean;
  readonly atomic?: boolean;
}

/** Sends operations, tells every refusal, and returns the status of the last. */
export async function change(
  { operations, start, atomic = false }: Change,
  session: Session,
): Promise<number> {
  const { caller } = session;
  const request = { operations, atomic, ...(caller !== undefined && { caller }) };
  const { results } = await session.director.operations(request).catch(async (error) => {
    if (!(error instanceof NoDaemonError) || session.start === undefined || !start) throw error;
    await session.start();
    return session.director.operations(request);
  });
  let last: number = status.done;
  for (const [i, result] of results.entries()) {
    last = result.ok ? status.done : status.refused;
    if (!result.ok) session.err(`${refusalText(operations[i]!, result.code)}\n`);
  }
  return last;
}

async function list(request: ListRequest, session: Session): Promise<number> {
  const { director, out } = session;
  const label = labelOf(request.numeric, session);
  if (request.what === 'timeouts') {
    out(showTimeouts(await withoutDaemon(director.timeouts(), nothing.timeouts)));
  } else if (request.what === 'connections') {
    const { connections } = await withoutDaemon(director.connections(), nothing.connections);
    out(await showConnections(connections, label, request.shown === 'persistence'));
  } else {
    const { service, shown } = request;
    const figures = shown === 'counters' || shown === 'rates' ? shown : 'none';
    const reply = await withoutDaemon(director.services(service, figures), nothing.services);
    if (service !== undefined && reply.services.length === 0) {
      throw new UsageError('No such service', status.noSuchService);
    }
    if (service === undefined) out(showVersion(reply));
    out(await showServices(reply.services, { ...request, label }));
  }
  return status.done;
}

function labelOf(numeric: boolean, session: Session): Label {
  return numeric ? numericLabel : namedLabel(session.names);
}

/** A reply, or what an IPVS without a rule would reply where no daemon runs. */
async function withoutDaemon<Reply>(reply: Promise<Reply>, empty: Reply): Promise<Reply> {
  return reply.catch((error) => {
    if (error instanceof NoDaemonError) return empty;
    throw error;
  });
}
