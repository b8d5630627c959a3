import { readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { Egress } from '../native/abi.gen.ts';

/** How packets leave by the interface that they came by. */
export type Sending = 'tx' | 'redirect';

/**
 * Drivers whose XDP_TX puts a frame into a ring of the same queue, which saves the redirect's
 * detour. Not measured here: no such card is at hand. All others redirect, which always works;
 * on a veth XDP_TX loses frames whose other end has no program.
 */
const TRANSMITTING: ReadonlySet<string> = new Set(
  'bnxt_en ena gve i40e ice igb igc ixgbe mlx4_en mlx5_core nfp qede sfc'.split(' '),
);

/** What next hops by an interface hold: enum egress. `wishes` by interface name win. */
export function egressOf(
  name: string,
  ifindex: number,
  wishes: Readonly<Record<string, Sending>> = {},
  driver = driverOf(name),
): number {
  const sending = wishes[name] ?? sendingOf(driver);
  return sending === 'tx' ? ifindex | Egress.TRANSMIT : ifindex;
}

/** How packets leave again by an interface of this driver, unless it is configured. */
export function sendingOf(driver: string | undefined): Sending {
  return TRANSMITTING.has(driver ?? '') ? 'tx' : 'redirect';
}

/** The driver of a card, as `ethtool -i` names it; undefined for a device of software alone. */
function driverOf(name: string): string | undefined {
  try {
    return basename(readlinkSync(`/sys/class/net/${name}/device/driver`));
  } catch {
    return undefined;
  }
}
