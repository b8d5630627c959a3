import { Command } from 'commander';
import { Client, DaemonError, NoDaemonError } from '../api/client.ts';
import type { StatisticsReply, StatusReply } from '../api/types.ts';

/** `xlvs status`. */
export function statusCommand(): Command {
  return new Command('status')
    .description('what the director is attached to, and how much it holds')
    .action(() => print(async (client) => statusText(await client.status())));
}

/** `xlvs stats`. */
export function statisticsCommand(): Command {
  return new Command('stats')
    .description('packets by verdict')
    .action(() => print(async (client) => statisticsText(await client.statistics())));
}

async function print(ask: (client: Client) => Promise<string>): Promise<void> {
  try {
    process.stdout.write(await ask(new Client()));
  } catch (error) {
    if (!(error instanceof NoDaemonError || error instanceof DaemonError)) throw error;
    process.stderr.write(`xlvs: ${error.message}\n`);
    process.exitCode = 1;
  }
}

/** A line for each fact, and one for each interface. */
export function statusText(status: StatusReply): string {
  const lines = [
    `pid ${status.pid}`,
    `network namespace ${status.netnsCookie}`,
    `program ${status.programId}${status.adopted ? ' (adopted)' : ''}`,
    `services ${status.services}`,
    `destinations ${status.destinations}`,
    `connections ${status.connections}`,
    ...status.interfaces.map(({ name, ifindex, mode, alone, queues, zeroCopy }) => {
      const sharing = alone ? 'no other XDP program' : "shared by libxdp's dispatcher";
      const copying = zeroCopy ? 'zero-copy' : 'copy';
      return `interface ${name} (${ifindex}): ${mode}, queues ${queues}, ${copying}, ${sharing}`;
    }),
  ];
  return `${lines.join('\n')}\n`;
}

/** Verdicts by name, those that have been reached first. */
export function statisticsText({ verdicts }: StatisticsReply): string {
  const all = Object.entries(verdicts).sort(([a], [b]) => (a < b ? -1 : 1));
  const reached = all.filter(([, packets]) => packets !== '0');
  const unreached = all.filter(([, packets]) => packets === '0');
  const width = Math.max(0, ...all.map(([name]) => name.length));
  return [...reached, ...unreached]
    .map(([name, packets]) => `${name.padEnd(width)} ${packets}\n`)
    .join('');
}
