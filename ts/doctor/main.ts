import { Command } from 'commander';
import { canRun, type Finding, findingsTable } from './finding.ts';
import { gatherFacts } from './gather.ts';
import { checkInterfaces } from './interface_checks.ts';
import { checkMachine } from './machine_checks.ts';

/** `xlvs doctor`: what this machine offers, and what to do about the rest. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check kernel, capabilities, drivers and offloads; exit 1 when xlvs cannot run')
    .option('--json', 'print the findings as JSON')
    .option('--connections <number>', 'what a table for so many costs', Number)
    .action((options: { readonly json?: boolean; readonly connections?: number }) => {
      const { connections } = options;
      const facts = gatherFacts(connections === undefined ? {} : { connections });
      const findings: readonly Finding[] = [...checkMachine(facts), ...checkInterfaces(facts)];
      process.stdout.write(
        options.json ? `${JSON.stringify(findings, null, 2)}\n` : findingsTable(findings),
      );
      process.exitCode = canRun(findings) ? 0 : 1;
    });
}
