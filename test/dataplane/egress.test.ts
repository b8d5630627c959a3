import { expect, test } from 'vitest';
import { egressOf, type Sending } from '../../ts/dataplane/egress.ts';
import { Egress } from '../../ts/native/abi.gen.ts';

const tx = 7 | Egress.TRANSMIT;

test.each<[string | undefined, Record<string, Sending>, number]>([
  ['mlx5_core', {}, tx],
  ['virtio_net', {}, 7],
  [undefined, {}, 7],
  ['mlx5_core', { eth0: 'redirect' }, 7],
  ['veth', { eth0: 'tx' }, tx],
  ['veth', { eth1: 'tx' }, 7],
])('driver %s with %j', (driver, wishes, egress) => {
  expect(egressOf('eth0', 7, wishes, driver)).toBe(egress);
});
