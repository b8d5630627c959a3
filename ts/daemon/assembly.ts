import { Interfaces, PROGRAM } from '../dataplane/interfaces.ts';
import { NETLINK_GROUPS, NextHops } from '../dataplane/next_hops.ts';
import { slowPathAnswer } from '../dataplane/slow_path.ts';
import { XdpDataplane } from '../dataplane/xdp.ts';
import { Director } from '../lvs/director.ts';
import { Settings } from '../native/abi.gen.ts';
import type {
  Addon,
  AttachedProgram,
  BpfObject,
  NetlinkSocket,
  SlowPath,
} from '../native/addon.ts';
import { realClock } from '../net/clock.ts';
import type { LinkMessage } from '../net/netlink.ts';
import { findAttached, type OpenedObject, openObject } from './adoption.ts';
import { anew } from './anew.ts';
import { Attachments } from './attachments.ts';
import type { Choice } from './choice.ts';
import type { Config } from './config.ts';
import { Journal, type JournalOwner, replayJournal } from './journal.ts';
import { recount } from './recount.ts';

/** What an assembly is made of and for. */
export interface AssemblyOptions {
  readonly addon: Addon;
  readonly config: Config;
  readonly choice: Choice;
  /** Every link of the network namespace. */
  readonly links: readonly LinkMessage[];
  readonly journalPath: string;
  readonly owner: JournalOwner;
  readonly log: AssemblyLog;
}

/** Where an assembly tells what happens to it. */
export interface AssemblyLog {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/**
 * The director at work: rules, data plane, slow path, next hops and journal, wired. In the order
 * of a start:
 *
 *   program left by an earlier daemon?  its maps : fresh maps
 *   counts made those of the connections there are, before anything expires
 *   journal -> rules -> data plane
 *   next hops, then sockets: packets come up as soon as there is an answer for them
 */
export class Assembly {
  readonly director: Director;
  readonly dataplane: XdpDataplane;
  readonly interfaces: Interfaces;
  /** The program that was found attached; undefined where everything is new. */
  readonly adopted: AttachedProgram | undefined;
  readonly #options: AssemblyOptions;
  readonly #object: BpfObject;
  readonly #slowPath: SlowPath;
  readonly #journal: Journal;
  readonly #nextHops: NextHops;
  readonly #netlink: NetlinkSocket;
  readonly #attachments: Attachments;
  #begun = false;

  constructor(options: AssemblyOptions) {
    const { addon, config, choice, log } = options;
    this.#options = options;
    const { object, adopted } = this.#open();
    this.#object = object;
    this.adopted = adopted;
    this.dataplane = new XdpDataplane(object, () => this.#slowPath.clock());
    if (adopted !== undefined) this.#recount();
    else this.dataplane.initialize();
    this.#slowPath = new addon.SlowPath({ object, backlog: config.backlog });

    this.director = new Director(this.dataplane, (entry) => this.#journal.append(entry));
    this.#journal = this.#replay();
    this.director.publish();
    this.dataplane.keepServices(this.director.services.map(({ id }) => id));

    this.#nextHops = new NextHops({
      send: (message) => this.#netlink.send(message),
      put: (target, hop) => this.#slowPath.putRoute(target, hop),
      generations: this.dataplane,
      clock: realClock,
      onLink: (link) => this.#begun && this.#attachments.update(link),
    });
    this.#netlink = new addon.NetlinkSocket(NETLINK_GROUPS, (datagram) =>
      this.#nextHops.receive(datagram),
    );
    this.interfaces = new Interfaces({
      addon,
      object,
      slowPath: this.#slowPath,
      answerer: (records) => slowPathAnswer(this.director, this.dataplane, this.#nextHops, records),
      warn: (message) => log.warn(message),
    });
    this.#attachments = new Attachments({ interfaces: this.interfaces, choice, log });
  }

  /** Attaches the interfaces, and returns why some were refused. Throws StartError. */
  async begin(): Promise<readonly string[]> {
    await this.#nextHops.start();
    const refusals = this.#attachments.begin([...this.links]);
    this.#begun = true;
    // Nobody listened to the kernel meanwhile: next hops that connections hold may be old.
    if (this.adopted !== undefined) this.dataplane.raiseRouteGeneration();
    return refusals;
  }

  /** Every link of the network namespace, as it is now. */
  get links(): Iterable<LinkMessage> {
    return this.#nextHops.links.values();
  }

  /** Connections in the table. */
  get connectionCount(): number {
    return this.#slowPath.connectionCount();
  }

  /** The program that is on the interfaces, or will be. */
  get programId(): number {
    return this.interfaces.all[0]?.programId ?? this.#object.programId(PROGRAM);
  }

  /** What is to be done every second. */
  tick(nowS: number): void {
    this.director.tick(nowS);
    if (this.#journal.wantsCompaction) this.#journal.compact(this.director.entries());
  }

  /** Ends everything of this process; what is attached goes on. */
  stop(): void {
    this.#begun = false;
    this.#nextHops.stop();
    this.#netlink.close();
    this.#slowPath.stop();
    try {
      this.#journal.compact(this.director.entries());
    } catch (error) {
      this.#options.log.error(`the journal stays as long as it is: ${(error as Error).message}`);
    }
    this.#journal.close();
  }

  /** Opens the object, over the maps of an earlier daemon's program where one is attached. */
  #open(): OpenedObject {
    const { addon, config, links, log } = this.#options;
    const attached = findAttached(
      addon,
      links.map(({ ifindex }) => ifindex),
    );
    const [first] = attached.values();
    const opened = openObject(addon, first, config.connections);
    if (opened.refused !== undefined) {
      log.error(`program ${first?.id} cannot be continued: ${opened.refused}`);
    }
    const own = opened.object.map('settings').id;
    for (const [ifindex, { id, maps }] of attached) {
      const { name } = links.find((link) => link.ifindex === ifindex)!;
      if (maps.settings === own && this.#mayHave(name)) continue;
      log.warn(`program ${id} of an earlier director is taken from ${name}`);
      addon.detach(ifindex, id);
    }
    return opened;
  }

  #mayHave(name: string): boolean {
    const { choice } = this.#options;
    return choice === 'every' || choice.includes(name);
  }

  #recount(): void {
    const memory = (name: string) => this.#object.map(name).mmap();
    const corrected = recount({
      connections: memory('connections'),
      destinations: memory('destinations'),
      slotsUsed: Settings.slotsUsed(new DataView(memory('settings')), 0),
    });
    if (corrected > 0) this.#options.log.warn(`${corrected} counts of connections put right`);
  }

  /** The rules of the journal; without what was counted, where that is gone. */
  #replay(): Journal {
    const { journalPath, owner, log } = this.#options;
    const before = this.adopted === undefined ? new Director(this.dataplane) : this.director;
    const complaints = replayJournal(journalPath, owner.cookie, (entry) => before.replay(entry));
    for (const complaint of complaints) log.error(complaint);
    if (before !== this.director) {
      for (const entry of anew(before.entries())) this.director.replay(entry);
    }
    return new Journal(journalPath, owner, this.director.entries());
  }
}
