import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { runExample } from './demo.ts';
import { type Example, examples } from './examples.ts';
import { isLabName, Lab, labNames, takeDown } from './lab.ts';
import { topologies } from './topologies.ts';

/** `xlvs lab`: networks of the worked examples, in network namespaces of this machine. */
export function labCommand(): Command {
  const lab = new Command('lab').description('build the networks of the worked examples');
  const known = topologies.map(({ name }) => name);

  lab
    .command('up')
    .description('build a topology and start its web servers')
    .addArgument(new Argument('<topology>').choices(known))
    .addOption(new Option('--name <name>', 'for several of one topology').argParser(newName))
    .action(up);
  lab
    .command('down')
    .description('remove a lab with everything that runs in it')
    .addArgument(new Argument('<name>', 'as `xlvs lab list` shows it').argParser(nameOfLab))
    .action(takeDown);
  lab.command('list').description('show the topologies, and the labs that are up').action(list);
  lab
    .command('demo')
    .description('run the worked examples on real traffic; exit status 0 if all is as it should be')
    .addArgument(new Argument('[example]', 'only that one, as in S195').argParser(chosenExample))
    .action(demo);
  return lab.hook('preAction', (_, command) => {
    if (command.name() !== 'list' && process.getuid?.() !== 0) {
      lab.error('xlvs: expected root, for CAP_NET_ADMIN and CAP_SYS_ADMIN');
    }
  });
}

function newName(text: string): string {
  if (isLabName(text)) return text;
  throw new InvalidArgumentError('Expected lower-case letters, digits and dots.');
}

function nameOfLab(text: string): string {
  if (labNames().includes(text)) return text;
  throw new InvalidArgumentError(`Up are: ${labNames().join(' ') || 'none'}.`);
}

function chosenExample(text: string): Example {
  const chosen = examples.find(({ id }) => id.split(', ').includes(text.toUpperCase()));
  if (chosen) return chosen;
  throw new InvalidArgumentError(`Expected one of ${examples.map(({ id }) => id).join(', ')}.`);
}

async function up(topologyName: string, options: { name?: string }): Promise<void> {
  const topology = topologies.find(({ name }) => name === topologyName)!;
  const lab = await Lab.up(topology, options);
  console.log(`${topology.title}\n${topology.drawing}\n`);
  for (const { role } of topology.hosts) console.log(`ip netns exec ${lab.namespace(role)} sh`);
}

function list(): void {
  for (const { name, title } of topologies) console.log(`${name}  ${title}`);
  console.log(`\nup: ${labNames().join(' ') || 'none'}`);
}

async function demo(only?: Example): Promise<void> {
  const { signal, forget } = untilInterrupted();
  const stand = { name: `demo.${process.pid}`, print: console.log, signal };

  const failed: string[] = [];
  try {
    for (const example of only ? [only] : examples) {
      if (!(await runExample(example, stand))) failed.push(example.id);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    failed.push('interrupted');
  } finally {
    forget();
  }
  console.log(failed.length ? `\nFAILED: ${failed.join(', ')}` : '\nall examples ok');
  process.exitCode = failed.length ? 1 : 0;
}

/** Aborts when the terminal or the system asks this process to end. */
function untilInterrupted(): { signal: AbortSignal; forget(): void } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  process.on('SIGINT', abort).on('SIGTERM', abort);
  return {
    signal: controller.signal,
    forget: () => process.off('SIGINT', abort).off('SIGTERM', abort),
  };
}
