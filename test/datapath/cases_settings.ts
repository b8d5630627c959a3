import type { Settings } from '../../ts/lvs/settings.ts';
import { readRecording } from '../support/recorded.ts';
import {
  arriving,
  connection,
  forwarded,
  type PacketCase,
  type Protocol,
  type StateName,
  type Way,
  wayText,
} from './case.ts';

/** What a client's packet came to; vectors/datapath/settings.py tells how to read it. */
interface Line {
  readonly settings: Partial<Settings>;
  readonly protocol: Protocol;
  readonly method: 'masq' | 'route';
  readonly before: string | null;
  readonly happened: 'quiesced' | 'removed' | null;
  readonly flags: string;
  readonly after: string;
}

function packetCase(line: Line): PacketCase {
  const { settings, protocol, method, before, happened, flags, after } = line;
  const way: Way = { family: 4, protocol, method, direction: 'in' };
  const state = before?.toLowerCase() as StateName | undefined;
  const was = state && connection(way, { state, ...(happened && { [happened]: true }) });
  const name = [describe(settings), flags || 'no flags', 'on', before ?? 'nothing', happened]
    .filter(Boolean)
    .join(' ');
  const met = {
    name: `${name}: ${wayText(way)}`,
    settings,
    ...(was && { connection: was }),
    frame: arriving(way, { flags }).bytes(),
  };
  if (after.endsWith(' new')) return { ...met, verdict: 'raised_new' };
  // The kernel has ended it beside the command; here it ends with the packet, or the next sweep.
  if (after === 'none') {
    return { ...met, verdict: 'passed_not_syn', ...(was && { timeoutS: 0 }) };
  }
  if (happened === 'removed') return { ...met, verdict: 'dropped_destination_removed' };
  const now = after.toLowerCase() as StateName;
  const grown = Number(isActive(now)) - Number(isActive(state!));
  return {
    ...forwarded(name, way, { flags }),
    ...met,
    state: now,
    ...(grown && { activated: grown as -1 | 1 }),
  };
}

function isActive(state: StateName): boolean {
  return state === 'established' || state === 'syn_recv';
}

function describe(settings: Partial<Settings>): string {
  const words = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
  return `${words.join(', ')}:`;
}

/** What the settings change, as the kernel has it. */
export const SETTINGS: readonly PacketCase[] =
  readRecording<Line>('datapath/settings.jsonl').map(packetCase);
