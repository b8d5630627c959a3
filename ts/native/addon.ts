import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The typed face of the addon, and the only file that loads it. Failed system calls are thrown
 * as errors in Node's own form: `code`, `errno` and `syscall`.
 */
export interface Addon {
  readonly BpfObject: new (path: string, options: BpfObjectOptions) => BpfObject;
  readonly AddressTable: new (settings: ArrayBuffer, addresses: ArrayBuffer) => AddressTable;
  readonly SlowPath: new (options: SlowPathOptions) => SlowPath;
  readonly NetlinkSocket: new (
    groups: number,
    receive: (datagram: Uint8Array) => void,
  ) => NetlinkSocket;
  readonly MemoryDirector: new (memory?: MemoryOf) => MemoryDirector;

  /** A living map by its id, whoever made it. */
  openMap(id: number): BpfMap;
  /** The program attached to an interface, behind libxdp's dispatcher or directly. */
  attachedProgram(ifindex: number, name: string): AttachedProgram | undefined;
  /** Detaches the program with this id; anything else on the interface stays. */
  detach(ifindex: number, programId: number): void;
  /** SO_NETNS_COOKIE of this process's network namespace, as decimal text. */
  netnsCookie(): string;
  /** CPUs that may ever run: the number of per-CPU elements. */
  possibleCpus(): number;
}

export interface BpfObjectOptions {
  /** Map name -> number of elements, where it is not the object's own. */
  readonly maxEntries: Readonly<Record<string, number>>;
  /** Map name -> id of a living map to be used in its place. */
  readonly reuse: Readonly<Record<string, number>>;
}

export type AttachMode = 'native' | 'generic';

/** A loaded BPF object: its maps and programs live as long as it is open. */
export interface BpfObject {
  map(name: string): BpfMap;
  programId(name: string): number;
  /** Whether a program is this object's, also as libxdp has loaded it once more. */
  owns(programId: number): boolean;
  /** A program's descriptor, which program arrays take as their value; the object keeps it. */
  programFd(name: string): number;
  /** The 8-byte tag of a program's instructions, in hexadecimal. */
  programTag(name: string): string;
  /**
   * Attaches through libxdp's dispatcher where the kernel permits it, else alone; `replaceId`
   * names an own program to be replaced without a gap. Returns how it was attached.
   */
  attach(
    name: string,
    ifindex: number,
    mode: AttachMode,
    replaceId: number,
  ): 'dispatcher' | 'single';
  /** Runs an XDP program on one frame. `action` is the XDP code; `durationNs` a run's mean. */
  testRun(
    name: string,
    frame: Uint8Array,
    repeat: number,
  ): { action: number; frame: Uint8Array; durationNs: number };
  close(): void;
}

export interface BpfMap {
  readonly id: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  get(key: Uint8Array): Uint8Array | undefined;
  set(key: Uint8Array, value: Uint8Array): void;
  /** Every key of a hash map. */
  keys(): Uint8Array[];
  /** False when there was no such key. */
  delete(key: Uint8Array): boolean;
  /** The memory of an array map made with BPF_F_MMAPABLE; XDP sees what is written there. */
  mmap(): ArrayBuffer;
  /** What the program that the map was made for was compiled with. */
  layout(): Layout;
}

/** The structs and enums of a BPF object, by their names in C. */
export interface Layout {
  readonly structs: Readonly<Record<string, Fields>>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Where the fields of a struct are, in bytes. */
export type Fields = Readonly<
  Record<string, { readonly offset: number; readonly size: number; readonly bigEndian: boolean }>
>;

export interface AttachedProgram {
  readonly id: number;
  readonly tag: string;
  readonly mode: AttachMode;
  /** Not behind libxdp's dispatcher: no other program can share the interface. */
  readonly alone: boolean;
  /**
   * Whose it is cannot be told, since CAP_SYS_ADMIN is missing: its tag is all zeros, and no map
   * is known.
   */
  readonly hidden: boolean;
  /** Map name (15 characters at most, as the kernel keeps it) -> id. */
  readonly maps: Readonly<Record<string, number>>;
}

/**
 * Which addresses are ours: packets of all others pass before any table is looked at. What was
 * added twice has to be removed twice. `address`: 16 bytes; `role`: enum address_role.
 */
export interface AddressTable {
  add(address: Uint8Array, family: number, role: number): void;
  remove(address: Uint8Array, family: number, role: number): void;
  /** Forgets what an earlier process added and this one did not. */
  settle(): void;
}

export interface SlowPathOptions {
  readonly object: BpfObject;
  /**
   * Connections that were decided on and are not in the table yet: two counts of 32 bits for
   * each destination, inactive and active. The addon takes off what the answers have added.
   */
  readonly pending: ArrayBuffer;
  /** Frames that may wait for a next hop, per queue. */
  readonly backlog: number;
}

/**
 * The AF_XDP sockets with their threads, the connection table, and the housekeeper that keeps
 * the clock, writes the heartbeat and expires connections.
 */
export interface SlowPath {
  /**
   * Opens the socket of one receive queue and starts its thread. `records` is
   * MAX_BURST x FlowRecord.size bytes, written by the addon before it calls `answer(count)`,
   * which runs on this thread and fills in the answers.
   */
  addQueue(
    queue: QueueOptions,
    records: ArrayBuffer,
    answer: (count: number) => void,
  ): SocketDescriptors & { readonly zeroCopy: boolean };
  /** Closes the sockets of an interface, which may be gone already. */
  removeInterface(ifindex: number): void;
  /**
   * The next hop towards an address (16 bytes), right under a route generation; ifindex 0 says
   * that there is none, and drops what waits for it; generation 0 that it is to be asked for
   * again. Frames that wait are tried again.
   */
  putRoute(target: Uint8Array, route: NextHop): void;
  /** Enters a connection from elsewhere; false when it is there already, or no room. */
  enter(connection: ConnectionSpec): boolean;
  /** Connections in the table. O(table). */
  connectionCount(): number;
  /** Slots of the table that the last sweep has found in use, and half-open connections. */
  census(): { slots: number; halfOpen: number };
  /**
   * Compares the counts of every destination with its connections, beside this thread and while
   * packets go on to change both. A miscount that was a connection just coming or going is gone
   * the next time. O(table).
   */
  recount(): Promise<Recounted>;
  /** Now, in the kernel's ticks (32 bits), and ticks a second. */
  clock(): { jiffies: number; hz: number };
  /** Writes the heartbeat and expires what is due, as the housekeeper does in a second. */
  sweep(): number;
  /**
   * Packets of the capture that is on: each a struct captured with its frames behind it. Those
   * of XDP end after `most` bytes, the rest comes by the next call.
   */
  readCaptured(most: number): Uint8Array;
  /**
   * Lets every queue end after the burst it is in; true once all have. Their sockets go on
   * receiving, for whoever inherits them. To be asked again until it is true.
   */
  finish(): boolean;
  stop(): void;
}

/** What a comparison of counts and connections has found. */
export interface Recounted {
  readonly miscounts: readonly Miscount[];
  /** Destinations of which nothing can be said, since connections of theirs came or went. */
  readonly unsettled: number;
  /** Templates that were said to control more connections than they do: put right. */
  readonly templates: number;
  /** What it took. */
  readonly cpuMs: number;
}

/** A destination whose counts are not those of its connections. */
export interface Miscount {
  /** Its index. */
  readonly destination: number;
  readonly counted: Counts;
  readonly held: Counts;
}

/** Connections of one destination. */
export interface Counts {
  readonly active: number;
  readonly inactive: number;
  /** Templates. */
  readonly persistent: number;
}

/** The descriptors of an AF_XDP socket and of the memory of its frames. */
export interface SocketDescriptors {
  readonly socket: number;
  readonly frames: number;
}

export interface QueueOptions {
  readonly interfaceName: string;
  readonly ifindex: number;
  readonly interfaceSlot: number;
  readonly queue: number;
  readonly generic: boolean;
  /** Another process's socket of this queue, to go on with; the descriptors become the addon's. */
  readonly inherited?: SocketDescriptors;
}

/** A connection as an earlier table had it. */
export interface ConnectionSpec {
  /** struct flow of the client's packets. */
  readonly request: Uint8Array;
  readonly destination: number;
  readonly state: number;
  readonly seenJiffies: number;
  readonly timeoutJiffies: number;
  /** Whether it is a template: the request is what that is found by. */
  readonly isTemplate?: boolean;
}

export interface NextHop {
  readonly generation: number;
  readonly ifindex: number;
  readonly dmac: Uint8Array;
  readonly smac: Uint8Array;
  readonly mtu: number;
  /** Our own address towards the target, in 16 bytes: that of a tunnel. */
  readonly source: Uint8Array;
}

/** A NETLINK_ROUTE socket: bytes out, datagrams in. */
export interface NetlinkSocket {
  send(message: Uint8Array): void;
  close(): void;
}

/** Memory for a MemoryDirector, by the names that it has there: of a map, for instance. */
export type MemoryOf = { readonly [Name in keyof MemoryDirector]?: ArrayBuffer };

/** The packet code over plain memory, without privileges: for tests. */
export interface MemoryDirector {
  /** The maps of these names; sizes are the settings' own. */
  readonly settings: ArrayBuffer;
  readonly addresses: ArrayBuffer;
  readonly stations: ArrayBuffer;
  readonly markSteps: ArrayBuffer;
  readonly buckets: ArrayBuffer;
  readonly connections: ArrayBuffer;
  readonly schedules: ArrayBuffer;
  readonly rings: ArrayBuffer;
  readonly destinations: ArrayBuffer;
  readonly nextHops: ArrayBuffer;
  /** A single element of each: struct counters x destinations, struct verdict_counters. */
  readonly counters: ArrayBuffer;
  readonly verdicts: ArrayBuffer;
  putService(key: Uint8Array, index: number): void;
  /** Enters a connection; its slot, or -1 when there is none. */
  putConnection(connection: ConnectionSpec): number;
  putRoute(target: Uint8Array, route: NextHop): void;
  setClock(jiffies: number): void;
  /**
   * Runs one frame; `ifindex` is where a forwarded one leaves, else 0. A raised one is asked about
   * by `record`, a struct flow_record; the answer is `destination`, of its next run.
   */
  run(
    frame: Uint8Array,
    destination?: number,
  ): { verdict: number; frame: Uint8Array; ifindex: number; record?: Uint8Array };
  /** The ICMP error that the slow path answers a frame with; undefined where it sends none. */
  icmpError(
    frame: Uint8Array,
    kind: 'unreachable' | 'ttl' | 'mtu',
    mtu: number,
  ): Uint8Array | undefined;
  /** Whether a capture (struct capture) wants a packet of this verdict that came as this frame. */
  isCaptured(capture: Uint8Array, frame: Uint8Array, verdict: number): boolean;
  /** Expires what is due; returns the number of connections removed. */
  sweep(): number;
  recount(): Recounted;
}

/** The folder that holds package.json: the sources' root, or that of an installed package. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

export function addonPath(): string {
  return join(packageRoot(), 'build', 'Release', 'lvs.node');
}

/** The object with the XDP program, built beside the addon. */
export function objectPath(): string {
  return join(packageRoot(), 'build', 'director.bpf.o');
}

/** Loads the addon. Throws where it was not built. */
export function loadAddon(): Addon {
  return createRequire(import.meta.url)(addonPath()) as Addon;
}
