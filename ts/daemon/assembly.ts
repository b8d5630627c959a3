import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Capture } from '../dataplane/capture.ts';
import { Defence } from '../dataplane/defence.ts';
import { connectionEntry } from '../dataplane/entry.ts';
import { Interfaces, PROGRAM, type QueueSocket } from '../dataplane/interfaces.ts';
import { NETLINK_GROUPS, NextHops } from '../dataplane/next_hops.ts';
import type { PastDataPlane } from '../dataplane/past.ts';
import { Refill } from '../dataplane/refill.ts';
import { slowPathAnswer } from '../dataplane/slow_path.ts';
import { Stations } from '../dataplane/stations.ts';
import { XdpDataplane } from '../dataplane/xdp.ts';
import { Director } from '../lvs/director.ts';
import type { Makers, Outside, Scheduler } from '../lvs/scheduler.ts';
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
import { moveConnections, moveCounters } from './migration.ts';
import { Recount } from './recount.ts';
import { destinationName } from './summary.ts';

/** How often an adopted table is looked at before the first packet comes up. */
const ADOPTION_LOOKS = 3;

/** What an assembly is made of and for. */
export interface AssemblyOptions {
  readonly addon: Addon;
  readonly config: Config;
  readonly choice: Choice;
  /** Every link of the network namespace. */
  readonly links: readonly LinkMessage[];
  /** The user's own, by name. */
  readonly schedulers: Makers;
  readonly journalPath: string;
  readonly owner: JournalOwner;
  readonly log: AssemblyLog;
  /** The data plane, opened ahead. */
  readonly opened?: OpenedObject;
  /** Sockets of the process before this one. */
  readonly sockets?: readonly QueueSocket[];
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
 *   journal -> rules -> data plane
 *   counts made those of the connections there are
 *   next hops, then sockets: packets come up as soon as there is an answer for them
 */
export class Assembly {
  readonly director: Director;
  readonly dataplane: XdpDataplane;
  readonly interfaces: Interfaces;
  readonly capture: Capture;
  readonly recount: Recount;
  /** The program that was found attached; undefined where everything is new. */
  readonly adopted: AttachedProgram | undefined;
  /** Whether connections were moved here from another layout. */
  readonly migrated: boolean;
  readonly #options: AssemblyOptions;
  /** Whose connections are moved here; undefined once they are. */
  #past: PastDataPlane | undefined;
  readonly #object: BpfObject;
  readonly #slowPath: SlowPath;
  readonly #journal: Journal;
  readonly #nextHops: NextHops;
  readonly #refill: Refill;
  readonly #defence: Defence;
  readonly #netlink: NetlinkSocket;
  readonly #stations: Stations;
  readonly #attachments: Attachments;
  #begun = false;
  /** Schedulers that were told of. */
  readonly #failed = new WeakSet<Scheduler>();

  constructor(options: AssemblyOptions) {
    const { addon, config, choice, log } = options;
    this.#options = options;
    const { object, adopted, past } = options.opened ?? openDataPlane(options);
    this.#object = object;
    this.adopted = adopted;
    this.#past = past;
    this.migrated = past !== undefined;
    this.#takeAway();
    this.dataplane = new XdpDataplane({ addon, object, clock: () => this.#slowPath.clock() });
    if (adopted === undefined) this.dataplane.initialize(randomBytes);
    const { pending } = this.dataplane;
    this.#slowPath = new addon.SlowPath({ object, pending, backlog: config.backlog });
    this.capture = new Capture(object, this.#slowPath);
    this.recount = new Recount({
      look: () => this.#slowPath.recount(),
      correct: (miscount) => this.dataplane.correctCounts(miscount),
      nameOf: (index) => destinationName(this.director, index),
      clock: realClock,
      warn: (message) => log.warn(message),
    });

    const { schedulers } = options;
    const outside = { now: realClock.now, random: Math.random, schedulers };
    this.director = new Director(
      this.dataplane,
      (entries) => this.#journal.append(entries),
      outside,
    );
    this.#journal = this.#replay(outside);
    this.dataplane.marks.setInterfaces(options.links);
    this.director.publish();
    if (config.settings) this.director.apply({ op: 'setSettings', settings: config.settings });
    this.dataplane.keepServices(this.director.services.map(({ id }) => id));
    this.dataplane.settleAddresses();
    if (past !== undefined) this.#migrate(past);

    const [settings, stations] = [object.map('settings').mmap(), object.map('stations').mmap()];
    this.#stations = new Stations({ settings, stations }, config.macs);
    this.#nextHops = new NextHops({
      send: (message) => this.#netlink.send(message),
      put: (target, hop) =>
        this.#slowPath.putRoute(target, { ...hop, ifindex: this.interfaces.egress(hop.ifindex) }),
      generations: this.dataplane,
      clock: realClock,
      onLink: (link) => this.#begun && this.#takeLink(link),
    });
    this.#netlink = new addon.NetlinkSocket(NETLINK_GROUPS, (datagram) =>
      this.#nextHops.receive(datagram),
    );
    const { director, dataplane } = this;
    this.#refill = new Refill(director, realClock);
    const slowPath = this.#slowPath;
    this.#defence = new Defence({ dataplane, slowPath, settings: () => director.settings });
    const answerers = { director, dataplane, refill: this.#refill, nextHops: this.#nextHops };
    this.interfaces = new Interfaces({
      addon,
      object,
      slowPath,
      answerer: (records) => slowPathAnswer(answerers, records),
      warn: (message) => log.warn(message),
      continues: this.migrated,
      sending: config.sending,
      ...(options.sockets && { inherited: options.sockets }),
    });
    this.#attachments = new Attachments({ interfaces: this.interfaces, choice, log });
  }

  /** Attaches the interfaces, and returns why some were refused. Throws StartError. */
  async begin(): Promise<readonly string[]> {
    await this.#nextHops.start();
    this.#stations.update(this.links);
    if (this.adopted !== undefined) await this.recount.settle(ADOPTION_LOOKS);
    const refusals = this.#attachments.begin([...this.links]);
    this.#begun = true;
    if (this.#past !== undefined) this.#moveConnections(this.#past);
    this.#past = undefined;
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
    this.#tellOfSchedulers();
    this.#defence.tick(nowS);
    if (this.#journal.wantsCompaction()) this.#journal.compact(this.director.entries());
  }

  /** Takes the program off every interface. */
  detach(): void {
    for (const { ifindex } of this.interfaces.all) this.interfaces.detach(ifindex);
  }

  /** Ends every queue after the burst that it is in: nothing that was received is lost. */
  async finish(): Promise<void> {
    while (!this.#slowPath.finish()) await sleep(1);
  }

  /** Ends everything of this process; what is attached goes on. */
  stop(): void {
    this.#begun = false;
    this.recount.stop();
    this.#refill.stop();
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

  /** Tells of each scheduler that cannot choose, once. */
  #tellOfSchedulers(): void {
    for (const { failure, scheduler } of this.director.services) {
      if (failure === undefined || this.#failed.has(scheduler)) continue;
      this.#failed.add(scheduler);
      this.#options.log.error(failure);
    }
  }

  #takeLink(link: LinkMessage): void {
    this.#stations.update(this.links);
    this.dataplane.marks.setInterfaces(this.links);
    this.#attachments.update(link);
  }

  /** Takes the programs away whose connections do not go on here. */
  #takeAway(): void {
    const { addon, links, log } = this.#options;
    const own = this.#object.map('settings').id;
    for (const { ifindex, name } of links) {
      const attached = addon.attachedProgram(ifindex, PROGRAM);
      if (attached === undefined || attached.hidden) continue;
      const { settings } = attached.maps;
      const goesOn = settings === own || settings === this.#past?.program.maps.settings;
      if (goesOn && this.#mayHave(name)) continue;
      log.warn(`program ${attached.id} of an earlier director is taken from ${name}`);
      addon.detach(ifindex, attached.id);
    }
  }

  #mayHave(name: string): boolean {
    const { choice } = this.#options;
    return choice === 'every' || choice.includes(name);
  }

  /** Moves all that is not in the journal; packets do not meet it yet. */
  #migrate(past: PastDataPlane): void {
    const { director, dataplane } = this;
    const indices = Array.from({ length: dataplane.limits.destinations }, (_, index) => index);
    const held = indices.filter((index) => director.destinationAt(index) !== undefined);
    moveCounters(past, held, (index, counters) => dataplane.addCounters(index, counters));
    const moved = this.#moveConnections(past);
    const { id } = past.program;
    this.#options.log.info(`${moved} connections moved from program ${id}, of another layout`);
  }

  #moveConnections(past: PastDataPlane): number {
    return moveConnections(past, {
      hasDestination: (index) => this.director.destinationAt(index) !== undefined,
      enter: (connection) => this.#slowPath.enter(connectionEntry(connection)),
    });
  }

  /** The rules of the journal; without what was counted, where that is gone. */
  #replay(outside: Outside): Journal {
    const { journalPath, owner, log } = this.#options;
    const isAnew = this.adopted === undefined && !this.migrated;
    const before = isAnew ? new Director(this.dataplane, () => {}, outside) : this.director;
    const complaints = replayJournal(journalPath, owner.cookie, (entry) => before.replay(entry));
    for (const complaint of complaints) log.error(complaint);
    if (before !== this.director) {
      for (const entry of anew(before.entries())) this.director.replay(entry);
    }
    return new Journal(journalPath, owner, this.director.entries());
  }
}

/** Opens the object, over the maps of an earlier daemon's program where one is attached. */
export function openDataPlane(
  options: Pick<AssemblyOptions, 'addon' | 'config' | 'links' | 'log'>,
): OpenedObject {
  const { addon, config, links, log } = options;
  const ifindexes = links.map(({ ifindex }) => ifindex);
  const [first] = findAttached(addon, ifindexes).values();
  const opened = openObject(addon, first, config);
  if (opened.refused !== undefined) {
    log.error(`program ${first?.id} cannot be continued: ${opened.refused}`);
  }
  return opened;
}
