import type { LinkMessage } from '../net/netlink.ts';
import { StartError } from './start.ts';

/** Which interfaces the director attaches to: those of these names, or every one. */
export type Choice = readonly string[] | 'every';

/** What decides which interfaces are chosen. */
export interface Wishes {
  /** On the command line. */
  readonly named: readonly string[];
  /** In the configuration. */
  readonly configured: readonly string[] | undefined;
  /** The name of the network namespace, if it has one. */
  readonly namespace: string | undefined;
}

/** The interfaces to attach to. Throws StartError where nobody asked for any. */
export function chooseInterfaces({ named, configured, namespace }: Wishes): Choice {
  if (named.length > 0) return named;
  if (configured !== undefined && configured.length > 0) return configured;
  if (namespace !== undefined) return 'every';
  throw new StartError(
    'no interface: this network namespace has no name in /run/netns, so nothing is attached ' +
      'to it unasked; name an interface with --interface or in the configuration',
  );
}

/** Throws StartError when an interface that was named is not there. */
export function checkChoice(choice: Choice, links: readonly Pick<LinkMessage, 'name'>[]): void {
  if (choice === 'every') return;
  const names = links.map(({ name }) => name);
  const missing = choice.filter((name) => !names.includes(name));
  if (missing.length === 0) return;
  throw new StartError(`no interface ${missing.join(', ')}: expected one of ${names.join(', ')}`);
}

/** Whether the director is to be attached to a link as it is now. */
export function isChosen(
  choice: Choice,
  { name, up, ethernet }: Pick<LinkMessage, 'name' | 'up' | 'ethernet'>,
): boolean {
  return up && ethernet && (choice === 'every' || choice.includes(name));
}
