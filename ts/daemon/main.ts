import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { Client, DaemonError, NoDaemonError } from '../api/client.ts';
import { type Addon, loadAddon } from '../native/addon.ts';
import { CONNECTIONS, type Config, loadConfig } from './config.ts';
import { runDirector } from './daemon.ts';
import { listLinks } from './links.ts';
import { namespaceInode } from './namespace.ts';
import { type RuntimeFiles, runtimeFiles } from './runtime_files.ts';
import {
  AlreadyRunningError,
  absoluteWords,
  directorProgram,
  startInBackground,
  tellDone,
  tellFailed,
} from './start.ts';
import { stopDirector } from './stop.ts';

interface Options {
  readonly interface: readonly string[];
  readonly scheduler: readonly string[];
  readonly connections?: number;
  readonly config?: string;
  readonly foreground?: true;
  readonly ifNeeded?: true;
  readonly pidFile?: string;
  readonly replace?: true;
  readonly stop?: true;
  readonly detach?: true;
}

/** `xlvs daemon`: starts and stops the director of this network namespace. */
export function daemonCommand(): Command {
  const collect = (name: string, names: readonly string[]) => [...names, name];
  const collectPath = (path: string, paths: readonly string[]) => [...paths, resolve(path)];
  return new Command('daemon')
    .description('run the director of this network namespace')
    .option('--interface <name>', 'attach to this one; may be given several times', collect, [])
    .option(
      '--scheduler <file>',
      'load one of your own; may be given several times',
      collectPath,
      [],
    )
    .option('--connections <number>', 'room for so many connections', parseConnections)
    .option('--config <file>', 'read this instead of /etc/xlvs/xlvs.yaml')
    .option('--foreground', 'stay, and log to standard error')
    .option('--if-needed', 'succeed where a director runs already')
    .option('--pid-file <file>', 'write the process number there', (path) => resolve(path))
    .option('--replace', 'take over from the director that runs, under traffic')
    .option('--stop', 'end the director; forwarding and rules stay')
    .option('--detach', 'with --stop: leave nothing of it')
    .action((options: Options, command: Command) => run(options, command));
}

async function run(options: Options, command: Command): Promise<void> {
  if (options.detach && !options.stop) command.error('error: --detach goes with --stop');
  try {
    await carryOut(options);
  } catch (error) {
    tellFailed(error);
    process.exitCode = options.ifNeeded && error instanceof AlreadyRunningError ? 0 : 1;
  }
}

async function carryOut(options: Options): Promise<void> {
  const addon = loadAddon();
  const files = runtimeFiles(addon.netnsCookie(), namespaceInode());
  if (options.stop) {
    const links = await listLinks(addon);
    tellDone(await stopDirector({ addon, files, links, detach: options.detach === true }));
    return;
  }
  const config = configured(options);
  const words = absoluteWords(process.argv.slice(3));
  const { interface: named, pidFile } = options;
  if (options.foreground) await runDirector({ addon, files, config, named, pidFile, words });
  else tellDone(await start(options, addon, { files, words }));
}

/** Starts a director; in the place of the one that runs, where that is wanted. */
async function start(
  { replace }: Options,
  addon: Addon,
  { files, words: given }: { readonly files: RuntimeFiles; readonly words: readonly string[] },
): Promise<string> {
  const words = given.filter((word) => word !== '--replace');
  if (!replace) return startInBackground(words, files);
  try {
    const program = directorProgram([]);
    return (await new Client(files.socket).replace({ program, words })).started;
  } catch (error) {
    // A director from before there was such a request: its program goes on meanwhile.
    const isOld = error instanceof DaemonError && error.status === 404;
    if (isOld) await stopDirector({ addon, files, links: [], detach: false });
    else if (!(error instanceof NoDaemonError)) throw error;
    return startInBackground(words, files);
  }
}

function configured({ config, connections, scheduler }: Options): Config {
  const loaded = loadConfig(config);
  const schedulers = [...(loaded.schedulers ?? []), ...scheduler];
  return { ...loaded, schedulers, ...(connections !== undefined && { connections }) };
}

function parseConnections(text: string): number {
  const number = Number(text);
  const { min, max } = CONNECTIONS;
  if (/^\d+$/.test(text) && number >= min && number <= max) return number;
  throw new InvalidArgumentError(`expected ${min} to ${max}, received ${text}`);
}
