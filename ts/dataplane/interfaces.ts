import { readdirSync } from 'node:fs';
import { FlowRecord, Interface, Limits } from '../native/abi.gen.ts';
import type {
  Addon,
  AttachedProgram,
  AttachMode,
  BpfObject,
  SlowPath,
  SocketDescriptors,
} from '../native/addon.ts';
import { egressOf, type Sending } from './egress.ts';
import { word } from './encoding.ts';

/** The XDP program's name, as the kernel keeps it. */
export const PROGRAM = 'xlvs_director';

const HIDDEN =
  'an XDP program is there, which only CAP_SYS_ADMIN may look into; ' +
  'xlvs daemon --stop --detach, as root, removes it if it is ours';

/** An interface that the director works on. */
export interface AttachedInterface {
  readonly name: string;
  readonly ifindex: number;
  readonly mode: AttachMode;
  /** libxdp's dispatcher was refused: no other XDP program can share the interface. */
  readonly alone: boolean;
  readonly queues: number;
  readonly zeroCopy: boolean;
  /** Id of the program on the interface. */
  readonly programId: number;
  /** An earlier daemon's connections go on here: the program stays when a start fails. */
  readonly adopted: boolean;
}

/** The socket of one receive queue, as one process leaves it to another. */
export interface QueueSocket extends SocketDescriptors {
  readonly ifindex: number;
  readonly slot: number;
  readonly queue: number;
}

/** Where the sockets of an interface belong, and those that are there already. */
type Place = Pick<QueueSocket, 'ifindex' | 'slot'> & { readonly inherited: readonly QueueSocket[] };

type Attached = Pick<AttachedInterface, 'mode' | 'alone' | 'programId' | 'adopted'>;

/** What interfaces are attached with. */
export interface InterfaceOptions {
  readonly addon: Pick<Addon, 'attachedProgram' | 'detach'>;
  readonly object: BpfObject;
  readonly slowPath: SlowPath;
  /** Makes what answers the flow records of one queue. */
  readonly answerer: (records: ArrayBuffer) => (count: number) => void;
  readonly warn: (message: string) => void;
  /** Connections of other maps were moved here: those of whatever program is found go on. */
  readonly continues?: boolean;
  /** Sockets of the process before this one; they have received all the time. */
  readonly inherited?: readonly QueueSocket[];
  /** How packets leave again by an interface, by its name, in place of its driver's way. */
  readonly sending?: Readonly<Record<string, Sending>>;
  /** Receive queues of an interface; the machine's own answer unless a test gives another. */
  readonly queues?: (name: string) => number;
}

/**
 * The interfaces that the XDP program is attached to, each with a slow-path socket on every
 * receive queue. Attaching is all or nothing; an interface that vanishes is forgotten.
 */
export class Interfaces {
  readonly #options: InterfaceOptions;
  readonly #attached = new Map<number, AttachedInterface & { readonly slot: number }>();
  /** Those that no interface has taken over yet. */
  #inherited: readonly QueueSocket[];
  #sockets: readonly QueueSocket[] = [];

  constructor(options: InterfaceOptions) {
    this.#options = options;
    this.#inherited = options.inherited ?? [];
    // An earlier daemon's sockets went with it, unless they are inherited; so do its slots.
    const kept = this.#inherited.map(({ ifindex }) => String(word(ifindex)));
    const slots = options.object.map('interfaces');
    for (const key of slots.keys()) if (!kept.includes(String(key))) slots.delete(key);
  }

  /** The socket of every queue. */
  get sockets(): readonly QueueSocket[] {
    return this.#sockets;
  }

  get all(): readonly AttachedInterface[] {
    return [...this.#attached.values()];
  }

  has(ifindex: number): boolean {
    return this.#attached.has(ifindex);
  }

  /**
   * Attaches the program: as the driver runs it itself, or, where it cannot, by the kernel's
   * generic XDP. A program that an earlier daemon left is kept when it is this very one, and
   * else replaced, without a gap where it is alone. Throws, and leaves nothing behind of what it
   * began, unless an earlier daemon's connections go on with it.
   */
  attach(name: string, ifindex: number): AttachedInterface {
    const { object } = this.#options;
    const inherited = this.#inherited.filter((socket) => socket.ifindex === ifindex);
    this.#inherited = this.#inherited.filter((socket) => socket.ifindex !== ifindex);
    const slot = inherited[0]?.slot ?? this.#freeSlot();
    const key = word(ifindex);
    object.map('interfaces').set(key, this.#entry(name, ifindex, slot));
    let program: Attached | undefined;
    try {
      program = this.#program(name, ifindex);
      const { queues, zeroCopy } = this.#openQueues(name, program.mode, {
        ifindex,
        slot,
        inherited,
      });
      const attached = { name, ifindex, slot, queues, zeroCopy, ...program };
      this.#attached.set(ifindex, attached);
      return attached;
    } catch (error) {
      this.#options.slowPath.removeInterface(ifindex);
      object.map('interfaces').delete(key);
      if (program && !program.adopted) this.#options.addon.detach(ifindex, program.programId);
      throw error;
    }
  }

  /** What next hops by an interface have in place of its index. */
  egress(ifindex: number): number {
    const name = this.#attached.get(ifindex)?.name;
    return name === undefined ? ifindex : egressOf(name, ifindex, this.#options.sending);
  }

  #entry(name: string, ifindex: number, slot: number): Uint8Array {
    const entry = new DataView(new ArrayBuffer(Interface.size));
    Interface.setSlot(entry, 0, slot);
    Interface.setEgress(entry, 0, egressOf(name, ifindex, this.#options.sending));
    return new Uint8Array(entry.buffer);
  }

  /** Puts the program on the interface, or finds it there. */
  #program(name: string, ifindex: number): Attached {
    const { addon, continues = false } = this.#options;
    const before = addon.attachedProgram(ifindex, PROGRAM);
    if (before?.hidden) throw new Error(HIDDEN);
    if (before === undefined) this.#attachAnew(name, ifindex);
    else if (!this.#isOwn(before)) this.#replace(ifindex, before);
    const now = addon.attachedProgram(ifindex, PROGRAM);
    if (now === undefined || (now.hidden && !this.#options.object.owns(now.id))) {
      throw new Error(`expected ${PROGRAM} on ${name} after attaching it`);
    }
    const { mode, alone, id: programId } = now;
    const adopted = before !== undefined && (continues || this.#sharesMaps(before));
    return { mode, alone, programId, adopted };
  }

  /** Whether it is this very program over these very maps. */
  #isOwn(program: AttachedProgram): boolean {
    return program.tag === this.#options.object.programTag(PROGRAM) && this.#sharesMaps(program);
  }

  #sharesMaps({ maps }: AttachedProgram): boolean {
    return maps.settings === this.#options.object.map('settings').id;
  }

  #attachAnew(name: string, ifindex: number): void {
    const { object, warn } = this.#options;
    try {
      object.attach(PROGRAM, ifindex, 'native', 0);
    } catch (cause) {
      const { message, code } = cause as NodeJS.ErrnoException;
      // Another program is there: generic XDP could not help.
      if (code === 'EBUSY' || code === 'EEXIST') throw cause;
      warn(`${name}: native XDP is refused (${message}); generic XDP is several times slower`);
      object.attach(PROGRAM, ifindex, 'generic', 0);
    }
  }

  #replace(ifindex: number, { id, mode, alone }: AttachedProgram): void {
    const { addon, object } = this.#options;
    // Behind a dispatcher nothing is replaced in place.
    if (!alone) addon.detach(ifindex, id);
    object.attach(PROGRAM, ifindex, mode, alone ? id : 0);
  }

  /** Closes the sockets of an interface; the program stays if the interface does. */
  forget(ifindex: number): void {
    if (!this.#attached.delete(ifindex)) return;
    this.#sockets = this.#sockets.filter((socket) => socket.ifindex !== ifindex);
    this.#options.slowPath.removeInterface(ifindex);
    this.#options.object.map('interfaces').delete(word(ifindex));
  }

  /** Takes the program off an interface. */
  detach(ifindex: number): void {
    const attached = this.#attached.get(ifindex);
    if (attached === undefined) return;
    this.forget(ifindex);
    this.#options.addon.detach(ifindex, attached.programId);
  }

  #openQueues(
    name: string,
    mode: AttachMode,
    { ifindex, slot, inherited: sockets }: Place,
  ): Pick<AttachedInterface, 'queues' | 'zeroCopy'> {
    const { slowPath, answerer, queues: queuesOf = receiveQueues } = this.#options;
    const queues = Math.min(queuesOf(name), Limits.MAX_QUEUES);
    const opened = Array.from({ length: queues }, (_, queue) => {
      const records = new ArrayBuffer(Limits.MAX_BURST * FlowRecord.size);
      const inherited = sockets.find((socket) => socket.queue === queue);
      const where = { interfaceName: name, ifindex, interfaceSlot: slot, queue };
      const options = { ...where, generic: mode === 'generic', ...(inherited && { inherited }) };
      return { queue, ...slowPath.addQueue(options, records, answerer(records)) };
    });
    for (const { queue, socket, frames } of opened) {
      this.#sockets = [...this.#sockets, { ifindex, slot, queue, socket, frames }];
    }
    return { queues, zeroCopy: opened.every(({ zeroCopy }) => zeroCopy) };
  }

  #freeSlot(): number {
    const taken = new Set([...this.#attached.values(), ...this.#inherited].map(({ slot }) => slot));
    for (let slot = 0; slot < Limits.MAX_INTERFACES; slot++) if (!taken.has(slot)) return slot;
    throw new Error(`expected at most ${Limits.MAX_INTERFACES} interfaces`);
  }
}

/** Receive queues of an interface of this namespace, as /sys shows them; 1 where it does not. */
function receiveQueues(name: string): number {
  try {
    const queues = readdirSync(`/sys/class/net/${name}/queues`);
    return Math.max(1, queues.filter((queue) => queue.startsWith('rx-')).length);
  } catch {
    return 1;
  }
}
