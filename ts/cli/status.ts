import { Command } from 'commander';
import { Client, DaemonError, NoDaemonError } from '../api/client.ts';
import type { StatisticsReply, StatusReply } from '../api/types.ts';
import type { ServiceSpec } from '../lvs/operation.ts';
import { endpointText } from '../net/address.ts';

/** `xlvs status`. */
export function statusCommand(): Command {
  return new Command('status')
    .description('what the director is attached to, and how much it holds')
    .action(() => print(async (client) => statusText(await client.status())));
}

interface StatisticsOptions {
  readonly all?: true;
  readonly json?: true;
}

/** `xlvs stats`. */
export function statisticsCommand(): Command {
  return new Command('stats')
    .description('packets by verdict, and what else was counted')
    .option('--all', 'also those that no packet has come to')
    .option('--json', 'as JSON: names and numbers')
    .action((options: StatisticsOptions) =>
      print(async (client) => statisticsText(await client.statistics(), options)),
    );
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
    ...status.ahead.map(({ tickets, ageMs, ...service }) => {
      const age = `${ageMs.toFixed(1)} ms`;
      return `ahead ${serviceText(service)}: tickets ${tickets}, counts up to ${age} old`;
    }),
    ...status.cramped.map((service) => {
      return `no room ${serviceText(service)}: each connection is decided on by the slow path`;
    }),
    ...status.failed,
  ];
  return `${lines.join('\n')}\n`;
}

function serviceText({ protocol, address, port, scheduler }: ServiceSpec): string {
  return `${protocol} ${endpointText(address, port)} ${scheduler}`;
}

/** Verdicts and events by name; without `all`, those that there were. */
export function statisticsText(
  { verdicts, events }: StatisticsReply,
  { all = false, json = false }: { readonly all?: boolean; readonly json?: boolean } = {},
): string {
  const counted = Object.entries(events).map(([name, times]) => [name, String(times)] as const);
  const shown = [...Object.entries(verdicts), ...counted]
    .filter(([, number]) => all || number !== '0')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  if (json) return `{${shown.map(([name, number]) => `\n  "${name}": ${number}`)}\n}\n`;
  const rows = [['COUNTER', 'NUMBER'] as const, ...shown];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map(([name, number]) => `${name.padEnd(widths[0]!)} ${number.padStart(widths[1]!)}\n`)
    .join('');
}
