import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { type Logger, pino } from 'pino';
import { Client, NoDaemonError } from '../api/client.ts';
import { createServer, type Served } from '../api/server.ts';
import type { StatusReply } from '../api/types.ts';
import type { Addon } from '../native/addon.ts';
import { realClock } from '../net/clock.ts';
import { Assembly } from './assembly.ts';
import { checkChoice, chooseInterfaces } from './choice.ts';
import type { Config } from './config.ts';
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
import { AlreadyRunningError, tellDone } from './start.ts';
import { forget } from './stop.ts';
import { destinationCount, startedLine } from './summary.ts';

/** What `xlvs daemon` was told. */
export interface DirectorOptions {
  readonly addon: Addon;
  readonly files: RuntimeFiles;
  readonly config: Config;
  /** Interfaces of the command line. */
  readonly named: readonly string[];
}

/** How long the other of two starts may take until it answers. */
const OTHER_START_MS = 20_000;

/**
 * Runs the director of this network namespace until it is told to stop, by a signal, by the API
 * or by the end of the namespace's name. Throws StartError when it cannot begin.
 */
export async function runDirector(options: DirectorOptions): Promise<void> {
  const { files } = options;
  makeFolder(files);
  removeOrphans(files.folder);
  if (!takeLock(files.lock)) throw new AlreadyRunningError(await otherDirector(files));
  process.chdir('/'); // so as to keep no folder from being unmounted
  try {
    await new DirectorProcess(options).run();
    rmSync(files.log, { force: true });
  } finally {
    removeFiles(files);
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

/** One director from its start to its end. */
class DirectorProcess {
  readonly #options: DirectorOptions;
  readonly #cookie: string;
  readonly #namespace = namespaceName();
  readonly #log: Logger = pino(
    { base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  );
  #stop: (detach: boolean) => void = () => {};
  readonly #stopped = new Promise<boolean>((resolve) => {
    this.#stop = resolve;
  });

  constructor(options: DirectorOptions) {
    this.#options = options;
    this.#cookie = options.addon.netnsCookie();
  }

  async run(): Promise<void> {
    const assembly = await this.#assemble();
    // It also keeps the process alive, which the addon's threads and sockets do not.
    const ticks = setInterval(() => this.#tick(assembly), 1000);
    const server = await this.#begin(assembly).catch((error) => {
      clearInterval(ticks);
      this.#takeBack(assembly);
      throw error;
    });
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      // Where the namespace has lost its name, nobody is left to use what would stay.
      process.on(signal, () => this.#stop(this.#isNameless));
    }

    const detach = await this.#stopped;
    this.#log.info(detach ? 'director stops and detaches' : 'director stops');
    clearInterval(ticks);
    await server.close();
    assembly.stop();
    const { addon, files } = this.#options;
    if (detach) forget({ addon, files, links: [...assembly.links] });
  }

  async #assemble(): Promise<Assembly> {
    const { addon, config, files, named } = this.#options;
    const configured = config.interfaces;
    const namespace = this.#namespace;
    const choice = chooseInterfaces({ named, configured, namespace: namespace?.name });
    const links = await listLinks(addon);
    checkChoice(choice, links);
    return new Assembly({
      addon,
      config,
      choice,
      links,
      journalPath: files.journal,
      owner: { cookie: this.#cookie, ...(namespace && { namespace }) },
      log: this.#log,
    });
  }

  /** Begins to forward and to answer, and tells so. */
  async #begin(assembly: Assembly): Promise<FastifyInstance> {
    const refusals = await assembly.begin();
    const server = await this.#listen(assembly);
    const status = this.#status(assembly);
    const programId = assembly.adopted?.id ?? status.programId;
    const line = startedLine({ ...status, programId, refusals });
    this.#log.info(line);
    tellDone(line);
    return server;
  }

  /** Listens where clients look; from then on everything is as they expect. */
  async #listen(assembly: Assembly): Promise<FastifyInstance> {
    const { files } = this.#options;
    const server = createServer(this.#served(assembly), this.#log);
    removeStaleSocket(files);
    const before = process.umask(0o177);
    await server.listen({ path: files.socket });
    process.umask(before);
    linkSocket(files);
    return server;
  }

  #served(assembly: Assembly): Served {
    const { director, dataplane } = assembly;
    return {
      director,
      tableSize: dataplane.tableSize,
      connections: () => [...dataplane.connections()],
      verdicts: () => dataplane.verdicts(),
      status: () => this.#status(assembly),
      stop: ({ detach }) => this.#stop(detach),
    };
  }

  #status(assembly: Assembly): StatusReply {
    const { director, interfaces, adopted, programId, connectionCount } = assembly;
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
    };
  }

  get #isNameless(): boolean {
    return this.#namespace !== undefined && !hasName(this.#namespace);
  }

  #tick(assembly: Assembly): void {
    if (this.#isNameless) {
      this.#log.info(`network namespace ${this.#namespace?.name} has lost its name`);
      this.#stop(true);
    }
    try {
      assembly.tick(realClock.now() / 1000);
    } catch (error) {
      this.#log.error(error, 'the journal cannot be written');
    }
  }

  /** Undoes a start that failed; what was adopted stays. */
  #takeBack(assembly: Assembly): void {
    for (const { ifindex, adopted } of assembly.interfaces.all) {
      if (!adopted) assembly.interfaces.detach(ifindex);
    }
    assembly.stop();
  }
}
