import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { type Logger, pino } from 'pino';
import { Client, NoDaemonError } from '../api/client.ts';
import { createServer, type Served } from '../api/server.ts';
import type { CaptureRequest, ReplaceRequest, StatusReply } from '../api/types.ts';
import { effectiveCapabilities, missingCapabilities } from '../doctor/capabilities.ts';
import { ESTIMATION_S } from '../lvs/estimator.ts';
import type { Addon } from '../native/addon.ts';
import { realClock } from '../net/clock.ts';
import { loadSchedulers } from '../user/load.ts';
import { Assembly, type AssemblyOptions, openDataPlane } from './assembly.ts';
import { captureStream } from './capture_stream.ts';
import { checkChoice, chooseInterfaces } from './choice.ts';
import type { Config } from './config.ts';
import { Door } from './door.ts';
import { awaitTurn, type Heritage, handOver, takeHeritage } from './handover.ts';
import { listLinks } from './links.ts';
import { takeLock } from './lock.ts';
import { hasName, namespaceName } from './namespace.ts';
import { removeOrphans } from './orphans.ts';
import {
  linkSocket,
  makeFolder,
  type RuntimeFiles,
  removeFiles,
  removeStaleSocket,
} from './runtime_files.ts';
import { AlreadyRunningError, StartError, tellDone } from './start.ts';
import { forget } from './stop.ts';
import {
  crampedServices,
  destinationCount,
  failedSchedulers,
  scheduledAhead,
  startedLine,
} from './summary.ts';

/** What `xlvs daemon` was told. */
export interface DirectorOptions {
  readonly addon: Addon;
  readonly files: RuntimeFiles;
  readonly config: Config;
  /** Interfaces of the command line. */
  readonly named: readonly string[];
  /** Where to write the process number, once it works. */
  readonly pidFile: string | undefined;
  /** The command line's, behind `daemon`. */
  readonly words: readonly string[];
}

interface ProcessOptions extends DirectorOptions {
  /** Descriptor of the lock. */
  readonly lock: number;
  /** What the director before this one left. */
  readonly heritage: Heritage | undefined;
}

/** Words of a command line that say how a director is started, not how it is to work. */
const HOW_TO_START = ['--foreground', '--if-needed', '--replace'];

/** Looks that whoever asks waits for while connections come and go: a second or so. */
const LOOKS_ON_DEMAND = 40;

/** How long the other of two starts may take until it answers. */
const OTHER_START_MS = 20_000;

/**
 * Runs the director of this network namespace until it is told to stop, by a signal, by the API
 * or by the end of the namespace's name, or until a successor has taken over. Throws StartError
 * when it cannot begin.
 */
export async function runDirector(options: DirectorOptions): Promise<void> {
  const { files } = options;
  const heritage = takeHeritage();
  checkCapabilities();
  makeFolder(files);
  removeOrphans(files.folder);
  const lock = heritage?.lock ?? takeLock(files.lock);
  if (lock === undefined) throw new AlreadyRunningError(await otherDirector(files));
  process.chdir('/'); // so as to keep no folder from being unmounted
  let end: End | 'refused' = 'refused';
  try {
    end = await new DirectorProcess({ ...options, lock, heritage }).run();
  } finally {
    const othersNow = end === 'replaced' || (end === 'refused' && heritage !== undefined);
    if (!othersNow) removeFiles(files);
  }
  if (end !== 'replaced') rmSync(files.log, { force: true });
}

/** Throws StartError where the kernel would refuse later, and say less. */
function checkCapabilities(): void {
  const held = effectiveCapabilities(readFileSync('/proc/self/status', 'utf8'));
  const missing = missingCapabilities(held).join(' ');
  if (missing !== '') {
    throw new StartError(`missing ${missing}: run as root, or give it as an ambient capability`);
  }
}

/** What to say of the director that has the lock, once it answers. */
async function otherDirector({ socket }: RuntimeFiles): Promise<string> {
  const said = 'a director runs in this network namespace already';
  for (let waitedMs = 0; waitedMs < OTHER_START_MS; waitedMs += 50) {
    try {
      const { pid } = await new Client(socket).status();
      return `${said} (pid ${pid})`;
    } catch (error) {
      if (!(error instanceof NoDaemonError)) throw error;
      await sleep(50);
    }
  }
  return `${said}, and does not answer`;
}

/** Why a director ends. */
type End = 'stopped' | 'detached' | 'replaced';

/** One director from its start to its end. */
class DirectorProcess {
  readonly #options: ProcessOptions;
  readonly #cookie: string;
  readonly #namespace = namespaceName();
  readonly #log: Logger = pino(
    { base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  );
  readonly #server: FastifyInstance;
  // Both are new where a director resumes that could not hand over.
  #assembly!: Assembly;
  #door = new Door();
  #handover: Promise<unknown> | undefined;
  /** An answer without end, that the server would wait for. */
  #captured: Readable | undefined;
  #stop: (end: End) => void = () => {};
  #fail: (error: unknown) => void = () => {};
  readonly #stopped = new Promise<End>((resolve, reject) => {
    this.#stop = resolve;
    this.#fail = reject;
  });

  constructor(options: ProcessOptions) {
    this.#options = options;
    this.#cookie = options.addon.netnsCookie();
    this.#server = createServer(this.#served(), this.#log);
  }

  async run(): Promise<End> {
    // It also keeps the process alive, which the addon's threads and sockets do not.
    const ticks = setInterval(() => this.#tick(), 1000);
    const samples = setInterval(() => this.#assembly?.director.estimate(), ESTIMATION_S * 1000);
    try {
      await this.#start();
      return await this.#work();
    } finally {
      clearInterval(ticks);
      clearInterval(samples);
    }
  }

  async #start(): Promise<void> {
    const { heritage } = this.#options;
    const prepared = await this.#prepare();
    if (heritage !== undefined) this.#door = await awaitTurn();
    this.#tellStarted(await this.#begin({ ...prepared, ...heritage }));
  }

  /** Works until there is a reason to end. */
  async #work(): Promise<End> {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      // Where the namespace has lost its name, nobody is left to use what would stay.
      process.on(signal, () => this.#stop(this.#isNameless ? 'detached' : 'stopped'));
    }

    const end = await this.#stopped;
    await this.#handover?.catch(() => {});
    this.#log.info(`director ${end}`);
    this.#door.close();
    this.#captured?.destroy();
    await this.#server.close();
    this.#server.server.closeAllConnections();
    if (end === 'detached') this.#assembly.detach();
    if (end !== 'replaced') this.#assembly.stop();
    const { addon, files } = this.#options;
    if (end === 'detached') forget({ addon, files, links: [...this.#assembly.links] });
    return end;
  }

  /** Everything that can be done while another director works. */
  async #prepare(): Promise<AssemblyOptions> {
    const { addon, config, files, named } = this.#options;
    const configured = config.interfaces;
    const namespace = this.#namespace;
    const choice = chooseInterfaces({ named, configured, namespace: namespace?.name });
    const links = await listLinks(addon);
    checkChoice(choice, links);
    const log = this.#log;
    return {
      addon,
      config,
      choice,
      links,
      schedulers: loadSchedulers(config.schedulers ?? []),
      journalPath: files.journal,
      owner: { cookie: this.#cookie, ...(namespace && { namespace }) },
      log,
      opened: openDataPlane({ addon, config, links, log }),
    };
  }

  /** Begins to forward and to answer; returns why some interfaces were refused. */
  async #begin(options: AssemblyOptions): Promise<readonly string[]> {
    const assembly = new Assembly(options);
    this.#assembly = assembly;
    try {
      const refusals = await assembly.begin();
      await this.#listen();
      return refusals;
    } catch (error) {
      // What was adopted stays.
      for (const { ifindex, adopted } of assembly.interfaces.all) {
        if (!adopted) assembly.interfaces.detach(ifindex);
      }
      assembly.stop();
      throw error;
    }
  }

  #tellStarted(refusals: readonly string[]): void {
    const status = this.#status();
    const { adopted, migrated } = this.#assembly;
    const programId = adopted?.id ?? status.programId;
    const complaints = [...refusals, ...status.failed];
    const line = startedLine({ ...status, migrated, programId, refusals: complaints });
    this.#log.info(line);
    const { pidFile } = this.#options;
    if (pidFile !== undefined) writeFileSync(pidFile, `${process.pid}\n`);
    tellDone(line);
  }

  /** Serves where clients look; from then on everything is as they expect. */
  async #listen(): Promise<void> {
    const { files } = this.#options;
    await this.#server.ready();
    if (!this.#door.listener.listening) {
      removeStaleSocket(files);
      await this.#door.listen(files.socket);
      linkSocket(files);
    }
    this.#door.open((socket) => this.#server.server.emit('connection', socket));
  }

  #served(): Served {
    const assembly = () => this.#assembly;
    return {
      get director() {
        return assembly().director;
      },
      get tableSize() {
        return assembly().dataplane.tableSize;
      },
      connections: () => [...assembly().dataplane.connections()],
      verdicts: () => assembly().dataplane.verdicts(),
      events: () => ({ counts_corrected: assembly().recount.corrected }),
      recount: () => assembly().recount.settle(LOOKS_ON_DEMAND),
      status: () => this.#status(),
      capture: (request) => this.#capture(request),
      stop: ({ detach }) => this.#stop(detach ? 'detached' : 'stopped'),
      replace: (request) => this.#replace(request),
    };
  }

  #capture(request: CaptureRequest): Readable {
    const assembly = this.#assembly;
    const nameOf = (of: number) => [...assembly.links].find(({ ifindex }) => ifindex === of)?.name;
    const { capture } = assembly;
    this.#captured = captureStream({ ...request, capture, clock: realClock, nameOf });
    return this.#captured;
  }

  /** Hands over to another process; resolves to its first line. */
  async #replace({ program, words }: ReplaceRequest): Promise<string> {
    if (this.#handover !== undefined) throw new StartError('the director is being replaced');
    const { files, lock, words: given } = this.#options;
    const own = given.filter((word) => !HOW_TO_START.includes(word));
    const handover = handOver({
      program: [...program, ...(words.length > 0 ? words : own)],
      files,
      lock,
      sockets: this.#assembly.interfaces.sockets,
      rest: async () => {
        await this.#assembly.finish();
        this.#assembly.stop();
        return this.#door;
      },
      resume: async () => {
        this.#door.close();
        this.#door = new Door();
        await this.#begin(await this.#prepare()).catch(this.#fail);
      },
    });
    this.#handover = handover;
    try {
      const line = await handover;
      setImmediate(() => this.#stop('replaced'));
      return line;
    } finally {
      this.#handover = undefined;
    }
  }

  #status(): StatusReply {
    const { director, interfaces, adopted, programId, connectionCount } = this.#assembly;
    return {
      pid: process.pid,
      netnsCookie: this.#cookie,
      programId,
      adopted: adopted !== undefined,
      interfaces: interfaces.all.map(({ name, ifindex, mode, alone, queues, zeroCopy }) => ({
        name,
        ifindex,
        mode,
        alone,
        queues,
        zeroCopy,
      })),
      services: director.services.length,
      destinations: destinationCount(director),
      connections: connectionCount,
      ahead: scheduledAhead(director),
      cramped: crampedServices(director),
      failed: failedSchedulers(director),
    };
  }

  get #isNameless(): boolean {
    return this.#namespace !== undefined && !hasName(this.#namespace);
  }

  #tick(): void {
    if (this.#isNameless) {
      this.#log.info(`network namespace ${this.#namespace?.name} has lost its name`);
      this.#stop('detached');
    }
    if (this.#handover !== undefined) return;
    try {
      this.#assembly?.tick(realClock.now() / 1000);
    } catch (error) {
      this.#log.error(error, 'the journal cannot be written');
    }
  }
}
