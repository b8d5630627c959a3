import { Command } from 'commander';
import { Client } from '../api/client.ts';
import { checkCounts } from './counts.ts';
import { canRun, type Finding, findingsTable } from './finding.ts';
import { gatherFacts } from './gather.ts';
import { checkInterfaces } from './interface_checks.ts';
import { checkMachine } from './machine_checks.ts';

interface Options {
  readonly json?: true;
  readonly connections?: number;
  readonly counts?: true;
}

/** `xlvs doctor`: what this machine offers, and what to do about the rest. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check kernel, capabilities, drivers and offloads; exit 1 when xlvs cannot run')
    .option('--json', 'print the findings as JSON')
    .option('--connections <number>', 'what a table for so many costs', Number)
    .option('--counts', 'compare the counts of the director that runs with its connections')
    .action(async (options: Options) => {
      const findings = options.counts ? await checkCounts(new Client()) : examine(options);
      process.stdout.write(
        options.json ? `${JSON.stringify(findings, null, 2)}\n` : findingsTable(findings),
      );
      process.exitCode = canRun(findings) ? 0 : 1;
    });
}

function examine({ connections }: Options): readonly Finding[] {
  const facts = gatherFacts(connections === undefined ? {} : { connections });
  return [...checkMachine(facts), ...checkInterfaces(facts)];
}
