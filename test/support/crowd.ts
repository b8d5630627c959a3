import type { Dataplane } from '../../ts/lvs/dataplane.ts';
import type { Director } from '../../ts/lvs/director.ts';
import type { ServiceId } from '../../ts/lvs/operation.ts';
import type { Flow } from '../../ts/lvs/scheduler.ts';
import { MemoryDataplane } from './memory_dataplane.ts';

/** A connection of a client's. */
export interface Held {
  /** The address of its real server. */
  readonly server: string;
}

/** The clients of a director, and the data plane through which they reach it. */
export interface Crowd<H extends Held = Held> {
  readonly dataplane: Dataplane;
  /** A new connection, made and established; undefined where it is refused. */
  connect(director: Director, to: ServiceId, flow: Flow): H | undefined;
  /** The client closes it. */
  close(held: H): void;
  /** The client resets it. */
  reset(held: H): void;
  /** They were silent for too long. */
  expire(held: readonly H[]): void;
}

interface Counted extends Held {
  /** Of its destination. */
  readonly index: number;
}

/** Clients without packets: their connections are but counted. */
export class MemoryCrowd implements Crowd<Counted> {
  readonly dataplane = new MemoryDataplane();

  connect(director: Director, to: ServiceId, flow: Flow): Counted | undefined {
    const index = this.dataplane.choose(director.service(to)!, flow);
    if (index === undefined) return undefined;
    this.dataplane.open(index, to.protocol);
    return { index, server: director.destinationAt(index)!.address };
  }

  close({ index }: Counted): void {
    this.dataplane.close(index);
  }

  reset({ index }: Counted): void {
    this.dataplane.close(index);
  }

  expire(held: readonly Counted[]): void {
    for (const { index } of held) this.dataplane.expire(index);
  }
}
