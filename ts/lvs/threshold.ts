import type { DestinationSpec } from './operation.ts';

/**
 * When a destination is overloaded: from the connection on that reaches its upper threshold, until
 * connections have gone away so that fewer than its lower threshold are left. Connections are
 * the active and the inactive ones. What changes neither, such as a lower threshold that is
 * edited, does not count until the next connection comes or goes.
 *
 * Source: Linux 6.1, ip_vs_bind_dest, ip_vs_unbind_dest and __ip_vs_update_dest.
 */
type Thresholds = Pick<DestinationSpec, 'upperThreshold' | 'lowerThreshold'>;

/** Whether a destination is overloaded once it has got a connection, the last of so many. */
export function overloads(connections: number, { upperThreshold = 0 }: Thresholds): boolean {
  return upperThreshold !== 0 && connections >= upperThreshold;
}

/** Whether it is not overloaded any more once one has gone away, and so many are left. */
export function relieves(
  connections: number,
  { upperThreshold = 0, lowerThreshold = 0 }: Thresholds,
): boolean {
  if (lowerThreshold !== 0) return connections < lowerThreshold;
  return upperThreshold === 0 || connections * 4 < upperThreshold * 3;
}

/** Whether it is not overloaded any more once its thresholds have been edited. */
export function editRelieves(
  { upperThreshold: before = 0 }: Thresholds,
  { upperThreshold: now = 0 }: Thresholds,
): boolean {
  return now === 0 || now > before;
}
