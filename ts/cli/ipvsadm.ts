import type {
  DestinationId,
  DestinationSpec,
  Operation,
  Protocol,
  ServiceId,
  ServiceSpec,
} from '../lvs/operation.ts';
import type { Family } from '../net/address.ts';
import { markAddress, markOf } from '../net/mark.ts';
import { parseEndpoint, parseNumber } from './endpoint.ts';
import { checkLaterValue } from './later.ts';
import { checkLegality, checkTunnel } from './legality.ts';
import { help, status, tryHelp, UsageError, version } from './messages.ts';
import type { NamedProtocol, Names } from './names.ts';
import {
  type Command,
  carriedOut,
  type OptionId,
  type OptionName,
  optionTable,
  tunnelOptions,
} from './options.ts';
import { parseNetmask, parseTimeout, toPersistence } from './persistence.ts';
import { type FoundOption, OptionReader, PoptError } from './popt.ts';
import { parseSchedulerFlags, toSchedulerFlags } from './scheduler_flags.ts';
import type { Shown } from './show.ts';
import { toTunnel } from './tunnel.ts';

/**
 * ipvsadm's command line, word by word as ipvsadm reads it:
 *
 *   the command -> options, each checked as it is met -> words left over -> the options as a set
 *   -> what they ask for
 *
 * The order decides which of several mistakes is told, so it is kept to the letter.
 */

/** What a command line asks for. */
export type Request =
  | { readonly kind: 'change'; readonly operation: Operation; readonly start: boolean }
  | ListRequest
  | { readonly kind: 'save'; readonly numeric: boolean }
  | { readonly kind: 'restore'; readonly atomic: boolean; readonly start: boolean }
  | { readonly kind: 'print'; readonly text: string };

/** A listing, and how it is to look. */
export interface ListRequest {
  readonly kind: 'list';
  readonly what: 'services' | 'connections' | 'timeouts';
  readonly service?: ServiceId;
  readonly numeric: boolean;
  readonly shown: Shown;
  readonly exact: boolean;
  readonly sort: boolean;
}

/** What the options have said so far. */
interface Draft {
  readonly command: Command;
  readonly given: Set<OptionName>;
  readonly names: Names;
  /** Undefined also for a firewall mark. */
  protocol?: NamedProtocol;
  service?: ServiceId;
  /** Its port is the service's where none is given and the service is known already. */
  destination?: DestinationId & { readonly family: Family };
  method: 'masq' | 'route' | 'tunnel';
  scheduler: string;
  schedulerFlags: readonly string[];
  weight: number;
  upperThreshold: number;
  lowerThreshold: number;
  tunnelType: 'ipip' | 'gue' | 'gre';
  tunnelPort: number;
  /** Of -p, where it has a value. */
  timeoutS?: number;
  netmask?: string;
  /** The first option that xlvs does not carry out yet. */
  later?: string;
}

/** Reads a command line; a rule file has no -R. Throws UsageError, and nothing else. */
export async function parseCommandLine(
  words: readonly string[],
  names: Names,
  from: 'arguments' | 'rule file' = 'arguments',
): Promise<Request> {
  const reader = new OptionReader(optionTable, words);
  const first = readFirst(reader);
  if (first.spec.id === 'command:restore' && from === 'rule file') {
    throw new UsageError(tryHelp, status.refused);
  }
  if (first.spec.id === 'command:help') return { kind: 'print', text: help };
  if (first.spec.id === 'command:version') return { kind: 'print', text: version };
  const draft = newDraft(first, names);
  for (;;) {
    const option = readNext(reader);
    if (option === undefined) break;
    await take(draft, option);
  }
  const timeouts = draft.command === 'set' ? reader.rest.splice(0, 3) : [];
  const operation = draft.command === 'set' ? setTimeouts(timeouts) : undefined;
  if (reader.rest.length > 0) throw new UsageError(`unexpected argument ${reader.rest[0]}`);
  toSchedulerFlags(draft.scheduler, draft.schedulerFlags);
  checkLegality(draft.command, draft.given);
  checkTogether(draft);
  if (draft.later !== undefined) throw new UsageError(`xlvs: ${draft.later} is not supported yet`);
  return toRequest(draft, operation);
}

function readFirst(reader: OptionReader<OptionId>): FoundOption<OptionId> {
  let first: FoundOption<OptionId> | undefined;
  try {
    first = reader.next();
  } catch (error) {
    if (!(error instanceof PoptError)) throw error;
  }
  if (first?.spec.id.startsWith('command:')) return first;
  throw new UsageError(tryHelp, status.refused);
}

function readNext(reader: OptionReader<OptionId>): FoundOption<OptionId> | undefined {
  try {
    return reader.next();
  } catch (error) {
    if (error instanceof PoptError) throw new UsageError(error.message, status.refused);
    throw error;
  }
}

function newDraft({ spec, value }: FoundOption<OptionId>, names: Names): Draft {
  const command = spec.id.slice('command:'.length) as Command;
  const draft: Draft = {
    command,
    given: new Set(),
    names,
    method: 'route',
    scheduler: '',
    schedulerFlags: [],
    weight: 1,
    upperThreshold: 0,
    lowerThreshold: 0,
    tunnelType: 'ipip',
    tunnelPort: 0,
  };
  if (value === undefined) return draft;
  if (value !== 'master' && value !== 'backup') {
    const start = command === 'start-daemon' ? 'start-daemon parameter' : 'start_daemon';
    throw new UsageError(`illegal ${start} specified`);
  }
  draft.later = `--${spec.long}`;
  return draft;
}

/** Takes one option into the draft. */
async function take(draft: Draft, option: FoundOption<OptionId>): Promise<void> {
  const { spec, word, value = '' } = option;
  const [kind, detail] = spec.id.split(':') as [string, string?];
  if (kind === 'command') throw new UsageError(`invalid option \`${word}'`);
  if (kind === 'service') {
    give(draft, 'service-address');
    if (detail === 'fwmark') draft.service = toMarkService(parseMark(value), 4);
    else await takeService(draft, detail as NamedProtocol, value);
  } else if (kind === 'method') {
    give(draft, 'forwarding-method');
    draft.method = detail as Draft['method'];
  } else if (kind === 'ipv6') {
    if (draft.service?.protocol !== 'fwm') throw new UsageError('-6 used before -f\n');
    draft.service = toMarkService(markOf(draft.service.address), 6);
  } else if (kind !== 'sort') {
    give(draft, spec.id as OptionName);
    await takeValue(draft, spec.id as OptionName, option.value);
  }
  if (!carriedOut.has(spec.id)) draft.later ??= `--${spec.long}`;
}

function give(draft: Draft, name: OptionName): void {
  if (draft.given.has(name)) throw new UsageError(`multiple '${name}' options specified`);
  draft.given.add(name);
}

/** Whether the service is given, and by a firewall mark. */
function isMark(service: ServiceId | undefined): boolean {
  return service?.protocol === 'fwm';
}

function toMarkService(mark: number, family: Family): ServiceId {
  return { protocol: 'fwm', family, address: markAddress(mark, family), port: 0 };
}

function parseMark(text: string): number {
  const mark = parseNumber(text, 1, 2 ** 32 - 1);
  if (mark === undefined) throw new UsageError(`invalid fwmark value \`${text}' specified`);
  return mark;
}

async function takeService(draft: Draft, protocol: NamedProtocol, value: string): Promise<void> {
  const endpoint = await parseEndpoint(value, draft.names, protocol);
  if (endpoint === undefined) {
    throw new UsageError('illegal virtual server address[:port] specified');
  }
  draft.protocol = protocol;
  draft.service = {
    protocol: protocol as Protocol, // SCTP is refused in the end
    family: endpoint.address.family,
    address: endpoint.address.text,
    port: endpoint.port ?? 0,
  };
}

async function takeValue(draft: Draft, name: OptionName, value?: string): Promise<void> {
  if (value === undefined) return;
  if (name === 'scheduler') {
    draft.scheduler = value;
  } else if (name === 'real-server') {
    await takeDestination(draft, value);
  } else if (name === 'weight') {
    draft.weight = takeInteger(value, 'weight');
  } else if (name === 'u-threshold') {
    draft.upperThreshold = takeInteger(value, 'u_threshold');
  } else if (name === 'l-threshold') {
    draft.lowerThreshold = takeInteger(value, 'l_threshold');
  } else if (name === 'persistent') {
    draft.timeoutS = parseTimeout(value, 1);
  } else if (name === 'netmask') {
    draft.netmask = parseNetmask(value, draft.service?.family ?? 4);
  } else {
    checkLaterValue(name, value);
    if (name === 'sched-flags') draft.schedulerFlags = parseSchedulerFlags(value);
    if (name === 'tun-type') draft.tunnelType = value as Draft['tunnelType'];
    if (name === 'tun-port') draft.tunnelPort = Number(value);
  }
}

function takeInteger(value: string, what: string): number {
  const number = parseNumber(value, 0, 2 ** 31 - 1);
  if (number === undefined) throw new UsageError(`illegal ${what} specified`);
  return number;
}

async function takeDestination(draft: Draft, value: string): Promise<void> {
  const protocol = isMark(draft.service) ? 'tcp' : draft.protocol;
  const endpoint = await parseEndpoint(value, draft.names, protocol);
  if (endpoint === undefined) throw new UsageError('illegal real server address[:port] specified');
  const { address, port = draft.service?.port ?? 0 } = endpoint;
  draft.destination = { family: address.family, address: address.text, port };
}

function setTimeouts(words: readonly string[]): Operation {
  if (words.length < 3) throw new UsageError('--set option requires 3 timeout values');
  const [tcpS, tcpFinS, udpS] = words.map((word) => parseTimeout(word, 0)) as [
    number,
    number,
    number,
  ];
  return { op: 'setTimeouts', timeouts: { tcpS, tcpFinS, udpS } };
}

/** What only shows when the options are seen together, beyond their legality. */
function checkTogether(draft: Draft): void {
  const { command, given, service } = draft;
  if (command === 'add-service' || command === 'edit-service') {
    if (service?.port === 0 && !isMark(service) && !given.has('persistent')) {
      throw new UsageError('Zero port specified for non-persistent service');
    }
    if (given.has('ops') && (service?.protocol === 'tcp' || draft.protocol === 'sctp')) {
      throw new UsageError('One-Packet Scheduling is only for UDP virtual services');
    }
  }
  if (command === 'add-server' || command === 'edit-server') {
    if (draft.method !== 'tunnel') checkNoTunnel(draft);
    else checkTunnel(given, draft.tunnelType);
  }
}

function checkNoTunnel({ given, service, destination }: Draft): void {
  if (destination?.family !== (service?.family ?? 4)) {
    throw new UsageError('Different address family is allowed only for tunneling servers');
  }
  if (tunnelOptions.some((name) => given.has(name))) {
    throw new UsageError('Tunnel options conflict with forward method');
  }
}

/** The request of a draft in which everything is right. */
function toRequest(draft: Draft, timeouts?: Operation): Request {
  const { command, given, service } = draft;
  const start = !given.has('no-start');
  if (command === 'restore') return { kind: 'restore', atomic: given.has('atomic'), start };
  if (command === 'save') return { kind: 'save', numeric: given.has('numeric') };
  if (command === 'list') return toListing(draft);
  const whole: Operation = command === 'zero' ? { op: 'zero' } : { op: 'flush' };
  const operation = timeouts ?? (service === undefined ? whole : toOperation(draft, service));
  return { kind: 'change', operation, start };
}

function toListing(draft: Draft): ListRequest {
  const { given } = draft;
  const timeouts = given.has('timeout') ? 'timeouts' : 'services';
  return {
    kind: 'list',
    what: given.has('connection') ? 'connections' : timeouts,
    ...(draft.service && { service: draft.service }),
    numeric: given.has('numeric'),
    shown: shownBy(given),
    exact: given.has('exact'),
    sort: !given.has('nosort'),
  };
}

/** The first of these wins, as in ipvsadm. */
function shownBy(given: ReadonlySet<OptionName>): Shown {
  if (given.has('stats')) return 'counters';
  if (given.has('rate')) return 'rates';
  if (given.has('thresholds')) return 'thresholds';
  if (given.has('persistent-conn')) return 'persistence';
  return given.has('tun-info') ? 'tunnels' : 'rules';
}

function toOperation(draft: Draft, service: ServiceId): Operation {
  switch (draft.command) {
    case 'add-service':
      return { op: 'addService', service: toService(draft, service) };
    case 'edit-service':
      return { op: 'editService', service: toService(draft, service) };
    case 'delete-service':
      return { op: 'deleteService', service };
    case 'add-server':
      return { op: 'addDestination', service, destination: toDestination(draft, service) };
    case 'edit-server':
      return { op: 'editDestination', service, destination: toDestination(draft, service) };
    case 'delete-server':
      return { op: 'deleteDestination', service, destination: toDestinationId(draft) };
    default:
      return { op: 'zero', service };
  }
}

function toService(draft: Draft, service: ServiceId): ServiceSpec {
  const { scheduler, schedulerFlags, given, timeoutS, netmask } = draft;
  const flags = toSchedulerFlags(scheduler, schedulerFlags);
  const persistence = given.has('persistent') && {
    persistence: toPersistence(service.family, timeoutS, netmask),
  };
  return { ...service, scheduler: scheduler || 'wlc', ...flags, ...persistence };
}

function toDestination(draft: Draft, service: ServiceId): DestinationSpec {
  const { method, weight, upperThreshold, lowerThreshold } = draft;
  const id = toDestinationId(draft);
  const tunnel = method === 'tunnel' ? toTunnel(draft) : undefined;
  return {
    ...id,
    // Only NAT changes the port, so another one is silently not taken.
    port: method === 'masq' || isMark(service) ? id.port : service.port,
    method,
    ...(tunnel && { tunnel }),
    weight,
    ...(upperThreshold > 0 && { upperThreshold }),
    ...(lowerThreshold > 0 && { lowerThreshold }),
  };
}

function toDestinationId({ destination }: Draft): DestinationId {
  const { address, port } = destination!; // required by every command that asks
  return { address, port };
}
