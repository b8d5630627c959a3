import { UsageError } from './messages.ts';
import {
  type Command,
  type Legality,
  legality,
  type OptionName,
  optionNames,
  statistics,
  tunnelLegality,
  tunnelOptions,
} from './options.ts';

/** Throws UsageError where the options are not those that the command may have. */
export function checkLegality(command: Command, given: ReadonlySet<OptionName>): void {
  check(optionNames, given, legality[command], `'${command}' command`);
  if (command === 'list') checkListing(given);
}

/** The same for the options that only tunnels have, by the type of the tunnel. */
export function checkTunnel(given: ReadonlySet<OptionName>, type: 'ipip' | 'gue' | 'gre'): void {
  check(tunnelOptions, given, tunnelLegality[type], `'${type}' tunnel type`);
}

function check(
  names: readonly OptionName[],
  given: ReadonlySet<OptionName>,
  { required = [], optional = [], exclusive = [] }: Legality,
  what: string,
): void {
  let chosen: OptionName | undefined;
  for (const name of names) {
    if (!given.has(name)) {
      if (!required.includes(name)) continue;
      throw new UsageError(`You need to supply the '${name}' option for the ${what}`);
    }
    if (exclusive.includes(name)) {
      if (chosen !== undefined) {
        throw new UsageError(
          `The option '${name}' conflicts with the '${chosen}' option in the ${what}`,
        );
      }
      chosen = name;
    } else if (!required.includes(name) && !optional.includes(name) && name !== 'no-start') {
      throw new UsageError(`Illegal '${name}' option with the ${what}`);
    }
  }
}

/** Figures are those of services; connections have persistence data at most. */
function checkListing(given: ReadonlySet<OptionName>): void {
  const figures = statistics.filter((name) => given.has(name));
  const ofConnections =
    given.has('connection') && figures.every((one) => one === 'persistent-conn');
  const ofServices = !given.has('connection') && !given.has('timeout') && !given.has('daemon');
  if (figures.length > 0 && !ofConnections && !ofServices) {
    throw new UsageError('options conflicts in the list command');
  }
}
