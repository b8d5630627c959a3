import { once } from 'node:events';
import { Command } from 'commander';
import { parseAssignments } from '../cli/settings.ts';
import { expectedOf, SETTING_NAMES, type SettingName, settingValue } from '../lvs/settings.ts';
import { loadSchedulers, SchedulerFileError } from '../user/load.ts';
import { packetsOf } from './capture.ts';
import { Comparison } from './comparison.ts';
import { InputError } from './event.ts';
import { loadRules } from './rules.ts';
import { EVERY_EVENT, type Report, run } from './run.ts';
import { Simulation } from './simulation.ts';
import { eventsOf, type Source } from './source.ts';
import { Summary } from './summary.ts';

interface Options {
  readonly rules: string;
  readonly events?: string;
  readonly pcap?: string;
  readonly summary?: true;
  readonly compare?: string;
  readonly set?: readonly string[];
  readonly scheduler: readonly string[];
}

/** `xlvs simulate`. */
export function simulateCommand(): Command {
  const collect = (file: string, files: readonly string[]) => [...files, file];
  return new Command('simulate')
    .description('what the director decides: rules and events in, decisions out, on its own clock')
    .requiredOption('--rules <file>', 'rules as `ipvsadm -S -n` prints them')
    .option('--events <file>', 'events as lines of JSON, see docs/simulate.md; - is stdin')
    .option('--pcap <file>', 'a capture file instead, of which the packets of services are taken')
    .option('--summary', 'the distribution, its imbalance and what moved, instead of each decision')
    .option('--compare <file>', 'other rules: who would be served by somebody else under them')
    .option('--scheduler <file>', 'load one of your own; may be given several times', collect, [])
    .option('--set <name=value...>', 'settings, as the names of `xlvs get`')
    .action(async (options: Options) => {
      try {
        await simulate(options);
      } catch (error) {
        if (!(error instanceof InputError || error instanceof SchedulerFileError)) throw error;
        process.stderr.write(`xlvs: ${error.message}\n`);
        process.exitCode = 2;
      }
    });
}

async function simulate(options: Options): Promise<void> {
  const simulation = await simulationOf(options.rules, options);
  const source = sourceOf(options, simulation);
  const report = await reportOf(options, simulation);
  // A reader that has seen enough, such as head, is no error.
  process.stdout.on('error', () => process.exit());
  await run(simulation, source, report, writeOut);
  tellOfSchedulers(simulation);
}

/** What a scheduler has not decided itself is not what was asked for. */
function tellOfSchedulers({ director }: Simulation): void {
  for (const { failure } of director.services) {
    if (failure === undefined) continue;
    process.stderr.write(`xlvs: ${failure}\n`);
    process.exitCode = 1;
  }
}

function sourceOf({ events, pcap }: Options, simulation: Simulation): Source {
  if (events !== undefined && pcap === undefined) {
    return eventsOf(events, () => simulation.nowUs);
  }
  if (pcap !== undefined && events === undefined) return packetsOf(pcap, simulation);
  throw new InputError('expected either --events or --pcap');
}

async function reportOf(options: Options, simulation: Simulation): Promise<Report> {
  const { compare, summary = false } = options;
  if (compare !== undefined) return new Comparison(await simulationOf(compare, options), summary);
  return summary ? new Summary(simulation.director) : EVERY_EVENT;
}

async function simulationOf(
  rules: string,
  { set = [], scheduler }: Pick<Options, 'set' | 'scheduler'>,
): Promise<Simulation> {
  const simulation = new Simulation(undefined, loadSchedulers(scheduler));
  const assigned = Object.entries(parseAssignments(set, SETTING_NAMES)).map(([key, given]) => {
    const name = key as SettingName;
    const value = settingValue(name, given);
    if (value !== undefined) return [name, value];
    throw new InputError(`expected ${expectedOf(name)} for ${name}, received ${given}`);
  });
  simulation.director.apply({ op: 'setSettings', settings: Object.fromEntries(assigned) });
  await loadRules(simulation.director, rules);
  return simulation;
}

async function writeOut(text: string): Promise<void> {
  if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain');
}
