import type { DestinationSpec, Tunnel } from '../lvs/operation.ts';
import type { OptionName } from './options.ts';

/** Tunnels as -a and -e take them, as --tun-info shows them, and as -S saves them. */

/** What the options say; that they go together was checked. */
export interface TunnelOptions {
  readonly tunnelType: 'ipip' | 'gue' | 'gre';
  readonly tunnelPort: number;
  readonly given: ReadonlySet<OptionName>;
}

/** The tunnel that options ask for; undefined for ipip, which has nothing beyond its name. */
export function toTunnel({ tunnelType, tunnelPort, given }: TunnelOptions): Tunnel | undefined {
  const full = given.has('tun-csum') ? 'full' : 'none';
  if (tunnelType === 'ipip') return undefined;
  if (tunnelType === 'gre') return { type: 'gre', checksum: full };
  const checksum = given.has('tun-remcsum') ? 'remote' : full;
  return { type: 'gue', port: tunnelPort, checksum };
}

const marks = { none: '-c', full: '+c', remote: 'r+c' } as const;
const options = { none: 'nocsum', full: 'csum', remote: 'remcsum' } as const;

/** What --tun-info tells of a destination. */
export function showTunnel({ method, tunnel }: DestinationSpec): string {
  if (method !== 'tunnel') return 'n/a';
  if (tunnel === undefined) return 'ipip';
  const { type, checksum } = tunnel;
  return `${type}${type === 'gue' ? `:${tunnel.port}` : ''}:${marks[checksum]}`;
}

/** A destination's tunnel as options, each with a space before it; empty without a tunnel. */
export function saveTunnel({ method, tunnel }: DestinationSpec): string {
  if (method !== 'tunnel') return '';
  if (tunnel === undefined) return ' --tun-type ipip';
  const { type, checksum } = tunnel;
  const port = type === 'gue' ? ` --tun-port ${tunnel.port}` : '';
  return ` --tun-type ${type}${port} --tun-${options[checksum]}`;
}
