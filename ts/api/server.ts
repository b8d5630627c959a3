import type { Readable } from 'node:stream';
import fastify, { type FastifyInstance } from 'fastify';
import type { z } from 'zod';
import { countersText } from '../lvs/counters.ts';
import type { Counters } from '../lvs/dataplane.ts';
import type { Destination } from '../lvs/destination.ts';
import type { Director } from '../lvs/director.ts';
import { LvsError, type LvsErrorCode } from '../lvs/error.ts';
import type { Operation } from '../lvs/operation.ts';
import type { Service } from '../lvs/service.ts';
import { SETTING_NAMES, settingText } from '../lvs/settings.ts';
import { familyOf } from '../net/address.ts';
import {
  captureRequestSchema,
  operationsRequestSchema,
  replaceRequestSchema,
  serviceQuerySchema,
  stopRequestSchema,
} from './schema.ts';
import { parseShape, ShapeError } from './shape.ts';
import type {
  CaptureRequest,
  ConnectionView,
  DestinationView,
  Figures,
  OperationsReply,
  OperationsRequest,
  RecountReply,
  ReplaceRequest,
  ServicesReply,
  ServiceView,
  StatusReply,
  StopRequest,
} from './types.ts';

/** What the API serves: the rules, and what only the process that runs the data plane knows. */
export interface Served {
  readonly director: Director;
  /** Connections that the table has room for. */
  readonly tableSize: number;
  connections(): readonly ConnectionView[];
  /** Verdict name -> packets. */
  verdicts(): Readonly<Record<string, bigint>>;
  /** Event name -> how often. */
  events(): Readonly<Record<string, number>>;
  /** Compares the counts of destinations with their connections, and puts them right. */
  recount(): Promise<RecountReply>;
  status(): StatusReply;
  /** Begins a capture, which lasts until the stream is destroyed: a file of pcapng. */
  capture(request: CaptureRequest): Readable;
  /** Begins to stop. */
  stop(request: StopRequest): void;
  /** Hands over to a successor, and resolves to its first line. */
  replace(request: ReplaceRequest): Promise<string>;
}

/** Where rule changes are written down. */
export interface ChangeLog {
  info(facts: object, message: string): void;
}

interface Route {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  /** Of the body, or of the query where there is none. */
  readonly schema?: z.ZodType;
  /** What the request, of that shape, is answered with. */
  answer(served: Served, request: unknown, log: ChangeLog): unknown;
}

const ROUTES: readonly Route[] = [
  {
    method: 'POST',
    url: '/operations',
    schema: operationsRequestSchema,
    answer: (served, request, log) => carryOut(served, request as OperationsRequest, log),
  },
  {
    method: 'GET',
    url: '/services',
    schema: serviceQuerySchema,
    answer: (served, query) => services(served, query as z.infer<typeof serviceQuerySchema>),
  },
  {
    method: 'GET',
    url: '/connections',
    answer: (served) => ({ connections: served.connections() }),
  },
  { method: 'GET', url: '/marks', answer: ({ director }) => ({ rules: director.marks }) },
  { method: 'GET', url: '/timeouts', answer: ({ director }) => director.timeouts },
  {
    method: 'GET',
    url: '/settings',
    answer: ({ director }) =>
      Object.fromEntries(
        SETTING_NAMES.map((name) => [name, settingText(name, director.settings[name])]),
      ),
  },
  { method: 'GET', url: '/status', answer: (served) => served.status() },
  {
    method: 'GET',
    url: '/statistics',
    answer: (served) => ({
      verdicts: Object.fromEntries(
        Object.entries(served.verdicts()).map(([name, packets]) => [name, String(packets)]),
      ),
      events: served.events(),
    }),
  },
  { method: 'POST', url: '/recount', answer: (served) => served.recount() },
  {
    method: 'POST',
    url: '/capture',
    schema: captureRequestSchema,
    answer: (served, request) => served.capture(request as CaptureRequest),
  },
  {
    method: 'POST',
    url: '/stop',
    schema: stopRequestSchema,
    answer: (served, request) => {
      setImmediate(() => served.stop(request as StopRequest));
      return {};
    },
  },
  {
    method: 'POST',
    url: '/replace',
    schema: replaceRequestSchema,
    answer: async (served, request) => ({
      started: await served.replace(request as ReplaceRequest),
    }),
  },
];

/** HTTP status by the code of a refusal that ends the whole request. */
const STATUS: Readonly<Record<LvsErrorCode, number>> = {
  SERVICE_EXISTS: 409,
  DESTINATION_EXISTS: 409,
  NO_SUCH_SERVICE: 404,
  SERVICE_NOT_DEFINED: 404,
  NO_SUCH_DESTINATION: 404,
  NO_SUCH_MARK_RULE: 404,
  SCHEDULER_NOT_FOUND: 404,
  INVALID: 400,
  OUT_OF_RANGE: 400,
  TABLE_FULL: 507,
};

/** Room for the rules of some hundred thousand destinations. */
const BODY_BYTES = 128 * 1024 * 1024;

/** The API, not yet listening. */
export function createServer(served: Served, log: ChangeLog): FastifyInstance {
  const server = fastify({
    bodyLimit: BODY_BYTES,
    forceCloseConnections: true,
    // The schemas refuse keys that they do not know, and a second look at every body costs.
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
  });
  for (const { method, url, schema, answer } of ROUTES) {
    server.route({
      method,
      url,
      handler: async ({ body, query }) => {
        const given = method === 'POST' ? body : query;
        return answer(served, schema ? parseShape(schema, given) : undefined, log);
      },
    });
  }
  server.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const { path, expected, received } = error instanceof ShapeError ? error : {};
    const code = error instanceof LvsError ? error.code : undefined;
    reply.status(statusOf(error)).send({ message: error.message, code, path, expected, received });
  });
  return server;
}

function statusOf(error: Error & { statusCode?: number }): number {
  if (error instanceof ShapeError) return 400;
  if (error instanceof LvsError) return STATUS[error.code];
  return error.statusCode ?? 500;
}

function carryOut(
  { director }: Served,
  { operations, atomic = false, caller = 'unknown' }: OperationsRequest,
  log: ChangeLog,
): OperationsReply {
  const results = director.applyAll(operations, { atomic });
  const refused = results.flatMap((result, i) =>
    result.ok ? [] : [{ ...operations[i]!, code: result.code }],
  );
  for (const { op, ...of } of refused) log.info({ caller, ...of }, `${op} refused`);
  const done = atomic && refused.length > 0 ? [] : operations.filter((_, i) => results[i]!.ok);
  logChanges(done, caller, log);
  return { results };
}

/** One line, however many: they may come by the hundred thousand. */
function logChanges(changes: readonly Operation[], caller: string, log: ChangeLog): void {
  const [only] = changes;
  if (only === undefined) return;
  const { op, ...of } = only;
  if (changes.length === 1) log.info({ caller, ...of }, op);
  else log.info({ caller, changes }, `${changes.length} changes`);
}

function services(
  { director, tableSize }: Served,
  query: z.infer<typeof serviceQuerySchema>,
): ServicesReply {
  const view = (service: Service) => serviceView(director, service, query.figures);
  if (!('protocol' in query)) return { tableSize, services: director.services.map(view) };
  const { protocol, address, port } = query;
  const service = director.service({ protocol, address, port, family: familyOf(address) });
  if (service !== undefined) return { tableSize, services: [view(service)] };
  throw new LvsError('NO_SUCH_SERVICE', `no service ${protocol} ${address} ${port}`);
}

function serviceView(director: Director, service: Service, figures?: Figures): ServiceView {
  return {
    ...service.spec,
    ...figuresOf(service, () => director.serviceCounters(service), figures),
    destinations: service.destinations.map((each) => destinationView(director, each, figures)),
  };
}

function destinationView(
  director: Director,
  destination: Destination,
  figures?: Figures,
): DestinationView {
  const { spec, activeConnections, inactiveConnections, persistentConnections } = destination;
  const view = { ...spec, activeConnections, inactiveConnections, persistentConnections };
  if (figures === 'none') return view;
  const counters = () => director.destinationCounters(destination);
  return { ...view, ...figuresOf(destination, counters, figures) };
}

/** The figures that are wanted: reading all of many destinations takes its time. */
function figuresOf(
  { estimator }: Service | Destination,
  counters: () => Readonly<Counters>,
  wanted?: Figures,
): Pick<ServiceView, 'counters' | 'rates'> {
  return {
    ...((wanted ?? 'counters') === 'counters' && { counters: countersText(counters()) }),
    ...((wanted ?? 'rates') === 'rates' && { rates: countersText(estimator.rates) }),
  };
}
