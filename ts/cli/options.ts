import type { OptionSpec } from './popt.ts';

/** ipvsadm's commands, by the names its messages use. */
export type Command =
  | 'add-service'
  | 'edit-service'
  | 'delete-service'
  | 'flush'
  | 'list'
  | 'add-server'
  | 'delete-server'
  | 'edit-server'
  | 'set'
  | 'start-daemon'
  | 'stop-daemon'
  | 'restore'
  | 'save'
  | 'zero';

/**
 * ipvsadm's options, by the names its messages use and in the order in which it complains about
 * them. The last two are ours.
 */
export const optionNames = [
  'numeric',
  'connection',
  'service-address',
  'scheduler',
  'persistent',
  'netmask',
  'real-server',
  'forwarding-method',
  'weight',
  'u-threshold',
  'l-threshold',
  'mcast-interface',
  'timeout',
  'daemon',
  'stats',
  'rate',
  'thresholds',
  'persistent-conn',
  'nosort',
  'syncid',
  'exact',
  'ops',
  'pe',
  'sched-flags',
  'mcast-group',
  'mcast-port',
  'mcast-ttl',
  'sync-maxlen',
  'tun-info',
  'tun-type',
  'tun-port',
  'tun-nocsum',
  'tun-csum',
  'tun-remcsum',
  'atomic',
  'no-start',
] as const;

/** One of `optionNames`. */
export type OptionName = (typeof optionNames)[number];

/** A word of the grammar: what opens a command, or what gives it an option. */
export type OptionId =
  | `command:${Command | 'help' | 'version'}`
  | `service:${'tcp' | 'udp' | 'sctp' | 'fwmark'}`
  | `method:${'masq' | 'route' | 'tunnel'}`
  | 'ipv6'
  | 'sort'
  | OptionName;

/** Every command and option, as popt is told about them. */
export const optionTable: readonly OptionSpec<OptionId>[] = [
  { long: 'add-service', short: 'A', id: 'command:add-service' },
  { long: 'edit-service', short: 'E', id: 'command:edit-service' },
  { long: 'delete-service', short: 'D', id: 'command:delete-service' },
  { long: 'clear', short: 'C', id: 'command:flush' },
  { long: 'list', short: 'L', id: 'command:list' },
  { long: 'list', short: 'l', id: 'command:list' },
  { long: 'add-server', short: 'a', id: 'command:add-server' },
  { long: 'delete-server', short: 'd', id: 'command:delete-server' },
  { long: 'edit-server', short: 'e', id: 'command:edit-server' },
  { long: 'set', id: 'command:set' },
  { long: 'start-daemon', id: 'command:start-daemon', takes: 'value' },
  { long: 'stop-daemon', id: 'command:stop-daemon', takes: 'value' },
  { long: 'restore', short: 'R', id: 'command:restore' },
  { long: 'save', short: 'S', id: 'command:save' },
  { long: 'zero', short: 'Z', id: 'command:zero' },
  { long: 'help', short: 'h', id: 'command:help' },
  { long: 'version', short: 'v', id: 'command:version' },

  { long: 'tcp-service', short: 't', id: 'service:tcp', takes: 'value' },
  { long: 'udp-service', short: 'u', id: 'service:udp', takes: 'value' },
  { long: 'sctp-service', id: 'service:sctp', takes: 'value' },
  { long: 'fwmark-service', short: 'f', id: 'service:fwmark', takes: 'value' },
  { long: 'ipv6', short: '6', id: 'ipv6' },
  { long: 'scheduler', short: 's', id: 'scheduler', takes: 'value' },
  { long: 'persistent', short: 'p', id: 'persistent', takes: 'optional value' },
  { long: 'netmask', short: 'M', id: 'netmask', takes: 'value' },
  { long: 'ops', short: 'o', id: 'ops' },
  { long: 'pe', id: 'pe', takes: 'value' },
  { long: 'sched-flags', short: 'b', id: 'sched-flags', takes: 'value' },

  { long: 'real-server', short: 'r', id: 'real-server', takes: 'value' },
  { long: 'masquerading', short: 'm', id: 'method:masq' },
  { long: 'gatewaying', short: 'g', id: 'method:route' },
  { long: 'ipip', short: 'i', id: 'method:tunnel' },
  { long: 'tun-type', id: 'tun-type', takes: 'value' },
  { long: 'tun-port', id: 'tun-port', takes: 'value' },
  { long: 'tun-nocsum', id: 'tun-nocsum' },
  { long: 'tun-csum', id: 'tun-csum' },
  { long: 'tun-remcsum', id: 'tun-remcsum' },
  { long: 'weight', short: 'w', id: 'weight', takes: 'value' },
  { long: 'u-threshold', short: 'x', id: 'u-threshold', takes: 'value' },
  { long: 'l-threshold', short: 'y', id: 'l-threshold', takes: 'value' },

  { long: 'numeric', short: 'n', id: 'numeric' },
  { long: 'connection', short: 'c', id: 'connection' },
  { long: 'timeout', id: 'timeout' },
  { long: 'daemon', id: 'daemon' },
  { long: 'stats', id: 'stats' },
  { long: 'rate', id: 'rate' },
  { long: 'exact', id: 'exact' },
  { long: 'thresholds', id: 'thresholds' },
  { long: 'persistent-conn', id: 'persistent-conn' },
  { long: 'tun-info', id: 'tun-info' },
  { long: 'sort', id: 'sort' },
  { long: 'nosort', id: 'nosort' },

  { long: 'syncid', id: 'syncid', takes: 'value' },
  { long: 'sync-maxlen', id: 'sync-maxlen', takes: 'value' },
  { long: 'mcast-interface', id: 'mcast-interface', takes: 'value' },
  { long: 'mcast-group', id: 'mcast-group', takes: 'value' },
  { long: 'mcast-port', id: 'mcast-port', takes: 'value' },
  { long: 'mcast-ttl', id: 'mcast-ttl', takes: 'value' },

  { long: 'atomic', id: 'atomic' },
  { long: 'no-start', id: 'no-start' },
];

const tunnelOptions = ['tun-type', 'tun-port', 'tun-nocsum', 'tun-csum', 'tun-remcsum'] as const;

/** The options that xlvs carries out. All others are read, then refused. */
export const carriedOut: ReadonlySet<OptionId> = new Set<OptionId>([
  'service:tcp',
  'service:udp',
  'service:fwmark',
  'ipv6',
  'scheduler',
  'sched-flags',
  'persistent',
  'netmask',
  'persistent-conn',
  'real-server',
  'method:masq',
  'method:route',
  'method:tunnel',
  ...tunnelOptions,
  'weight',
  'u-threshold',
  'l-threshold',
  'numeric',
  'connection',
  'timeout',
  'stats',
  'rate',
  'thresholds',
  'tun-info',
  'exact',
  'sort',
  'nosort',
  'atomic',
  'no-start',
]);

/** Which options a command must have, may have, and may have only one of; no other is legal. */
export interface Legality {
  readonly required?: readonly OptionName[];
  readonly optional?: readonly OptionName[];
  readonly exclusive?: readonly OptionName[];
}

const serviceLegality: Legality = {
  required: ['service-address'],
  optional: ['scheduler', 'persistent', 'netmask', 'ops', 'pe', 'sched-flags'],
};
const serverLegality: Legality = {
  required: ['service-address', 'real-server'],
  optional: ['forwarding-method', 'weight', 'u-threshold', 'l-threshold', ...tunnelOptions],
};
const statistics = ['stats', 'rate', 'thresholds', 'persistent-conn'] as const;
const syncOptions = ['mcast-group', 'mcast-port', 'mcast-ttl', 'sync-maxlen'] as const;

/** The legality of options by command; `no-start`, ours, is legal everywhere. */
export const legality: Readonly<Record<Command, Legality>> = {
  'add-service': serviceLegality,
  'edit-service': serviceLegality,
  'delete-service': { required: ['service-address'] },
  flush: {},
  list: {
    optional: ['numeric', ...statistics, 'nosort', 'syncid', 'exact', 'tun-info'],
    exclusive: ['connection', 'service-address', 'timeout', 'daemon'],
  },
  'add-server': serverLegality,
  'edit-server': serverLegality,
  'delete-server': { required: ['service-address', 'real-server'] },
  set: {},
  'start-daemon': { optional: ['mcast-interface', 'syncid', ...syncOptions] },
  'stop-daemon': { optional: ['syncid'] },
  restore: { optional: ['atomic'] },
  save: { optional: ['numeric'] },
  zero: { optional: ['service-address'] },
};

/** The same by tunnel type, for the options that only tunnels have. */
export const tunnelLegality: Readonly<Record<'ipip' | 'gue' | 'gre', Legality>> = {
  ipip: { optional: ['tun-type'] },
  gue: {
    required: ['tun-port'],
    optional: ['tun-type'],
    exclusive: ['tun-nocsum', 'tun-csum', 'tun-remcsum'],
  },
  gre: { optional: ['tun-type'], exclusive: ['tun-nocsum', 'tun-csum'] },
};

/** The options that belong to listings of figures, and those that only tunnels have. */
export { statistics, tunnelOptions };
