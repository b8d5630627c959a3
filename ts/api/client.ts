import { readlinkSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { ServiceId } from '../lvs/operation.ts';
import type {
  CaptureRequest,
  ConnectionsReply,
  Figures,
  MarksReply,
  OperationsReply,
  OperationsRequest,
  RecountReply,
  ReplaceReply,
  ReplaceRequest,
  ServicesReply,
  SettingsReply,
  StatisticsReply,
  StatusReply,
  StopRequest,
  Timeouts,
} from './types.ts';

/** No daemon listens in this network namespace. */
export class NoDaemonError extends Error {
  override readonly name = 'NoDaemonError';
}

/** The daemon could not be asked, or answered with an error. */
export class DaemonError extends Error {
  override readonly name = 'DaemonError';
  /** HTTP's, where it answered. */
  readonly status: number | undefined;

  constructor(message: string, options: ErrorOptions & { readonly status?: number } = {}) {
    super(message, options);
    this.status = options.status;
  }
}

/** The daemon's socket for this network namespace: XLVS_SOCKET, else a name by its inode. */
export function socketPath(): string {
  const named = process.env.XLVS_SOCKET;
  if (named) return named;
  const inode = readlinkSync('/proc/self/ns/net').replace(/\D/g, '');
  return `/run/xlvs/netns-${inode}`;
}

/** The daemon's API, typed. Every call rejects with NoDaemonError or DaemonError. */
export class Client {
  readonly #path: string;

  constructor(path: string = socketPath()) {
    this.#path = path;
  }

  /** Carries out operations in order. */
  operations(request: OperationsRequest): Promise<OperationsReply> {
    return this.#call('POST', '/operations', request);
  }

  /** All services, or the one that is named; with none in the reply where it does not exist. */
  async services(id?: ServiceId, figures?: Figures): Promise<ServicesReply> {
    const query = new URLSearchParams(figures === undefined ? {} : { figures });
    for (const name of ['protocol', 'address', 'port'] as const) {
      if (id !== undefined) query.set(name, String(id[name]));
    }
    const answer = await this.#request('GET', `/services?${query}`);
    // A daemon of an earlier version, yet to be replaced, knows no figures and tells them all.
    if (answer.status === 400 && figures !== undefined) return this.services(id);
    const isGone = answer.status === 404 && id !== undefined;
    return isGone ? { tableSize: 0, services: [] } : parse(answer);
  }

  connections(): Promise<ConnectionsReply> {
    return this.#call('GET', '/connections');
  }

  marks(): Promise<MarksReply> {
    return this.#call('GET', '/marks');
  }

  timeouts(): Promise<Timeouts> {
    return this.#call('GET', '/timeouts');
  }

  settings(): Promise<SettingsReply> {
    return this.#call('GET', '/settings');
  }

  status(): Promise<StatusReply> {
    return this.#call('GET', '/status');
  }

  statistics(): Promise<StatisticsReply> {
    return this.#call('GET', '/statistics');
  }

  /** Compares the counts of destinations with their connections, and puts them right. */
  recount(): Promise<RecountReply> {
    return this.#call('POST', '/recount');
  }

  /** Begins a capture: a pcapng file that goes on until it is destroyed. */
  async capture(request: CaptureRequest): Promise<Readable> {
    const target = { socketPath: this.#path, method: 'POST', path: '/capture' };
    const response = await send(target, request).catch((cause) => {
      throw connectionError(cause, this.#path);
    });
    const { statusCode: status = 0 } = response;
    if (status === 200) return response;
    throw new DaemonError(reason(await text(response)), { status });
  }

  async stop(request: StopRequest): Promise<void> {
    await this.#call('POST', '/stop', request);
  }

  /** Resolves once a successor of the director works. */
  replace(request: ReplaceRequest): Promise<ReplaceReply> {
    return this.#call('POST', '/replace', request);
  }

  async #call<Reply>(method: string, path: string, body?: unknown): Promise<Reply> {
    return parse(await this.#request(method, path, body));
  }

  async #request(method: string, path: string, body?: unknown): Promise<Answer> {
    try {
      const response = await send({ socketPath: this.#path, method, path }, body);
      return { status: response.statusCode ?? 0, body: await text(response) };
    } catch (cause) {
      throw connectionError(cause as NodeJS.ErrnoException, this.#path);
    }
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

function send(
  target: { readonly socketPath: string; readonly method: string; readonly path: string },
  body: unknown,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const json = body === undefined ? undefined : JSON.stringify(body);
    const headers = json === undefined ? {} : { 'content-type': 'application/json' };
    const request = httpRequest({ ...target, headers, agent: false }, resolve);
    request.on('error', reject);
    request.end(json);
  });
}

/** The reply of a 2xx answer; its shape is what `types.ts` says of the route. */
function parse<Reply>({ status, body }: Answer): Reply {
  if (status >= 200 && status < 300) return JSON.parse(body) as Reply;
  throw new DaemonError(`the daemon answered ${status}: ${reason(body)}`, { status });
}

function reason(body: string): string {
  try {
    return String((JSON.parse(body) as { message?: unknown }).message);
  } catch {
    return body.slice(0, 200);
  }
}

function connectionError(cause: NodeJS.ErrnoException, path: string): Error {
  switch (cause.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return new NoDaemonError(`no daemon listens at ${path}`, { cause });
    case 'EACCES':
    case 'EPERM':
      return new DaemonError(`not permitted to open ${path}: run as root`, { cause });
    case 'ECONNRESET':
    case 'EPIPE':
      return new DaemonError('the daemon went away before it answered', { cause });
    default:
      return new DaemonError(`cannot talk to the daemon at ${path}: ${cause.message}`, { cause });
  }
}
