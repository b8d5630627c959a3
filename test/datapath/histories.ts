import { join } from 'node:path';
import { packageRoot } from '../../ts/native/addon.ts';
import { isExact } from '../support/histories.ts';
import { type History, Replay } from '../support/replay.ts';
import { PacketCrowd } from './packet_crowd.ts';
import { nativeTarget, XdpTarget } from './targets.ts';

/** The packet code that histories go through: the addon's, or an object that one has linked. */
export const THROUGH = ['native', 'bpftool', 'bpf_linker'] as const;
export type Through = (typeof THROUGH)[number];

/** More than any history holds at a time. */
const CONNECTIONS = 65_536;

/**
 * Lets histories happen to the packet code, and to the rings, tables and slow path of the
 * director. XDP wants a network namespace of its own.
 */
export class PacketPlayer {
  #xdp: ReturnType<XdpTarget['raised']> | undefined;
  #object: XdpTarget | undefined;

  constructor(through: Through) {
    if (through === 'native') return;
    const path = join(packageRoot(), 'build', `director.${through}.o`);
    this.#object = new XdpTarget(path, CONNECTIONS);
    this.#xdp = this.#object.raised();
  }

  play(history: History) {
    const target = this.#xdp ?? nativeTarget(CONNECTIONS);
    return new Replay(history, new PacketCrowd(target), { exact: isExact(history) });
  }

  close(): void {
    this.#xdp?.close();
    this.#object?.close();
  }
}
