import { readRecording } from '../support/recorded.ts';
import {
  arriving,
  connection,
  forwarded,
  opening,
  type PacketCase,
  type Protocol,
  type StateName,
  type Way,
  wayText,
} from './case.ts';

/** One connection's history, a step a segment; vectors/datapath/states.py tells how to read it. */
interface Line {
  readonly protocol: Protocol;
  readonly method: 'masq' | 'route';
  readonly steps: readonly string[];
}

/** What the kernel showed after a segment. */
interface Shown {
  readonly state: StateName;
  readonly timeoutS: number;
  readonly active: boolean;
  /** A real server was chosen for this segment. */
  readonly chosen: boolean;
}

/** A segment that met a connection as it was shown before, or none. */
interface Step {
  readonly way: Way;
  readonly flags: string;
  readonly before: Shown | undefined;
  readonly after: Shown | undefined;
}

const STEP = /^(in|out) (\S+): (?:none|(\S+) (\d+) (active|inactive)( new)?)$/;

function readSteps({ protocol, method, steps }: Line): Step[] {
  let before: Shown | undefined;
  return steps.map((text) => {
    const [, direction, flags = '', state, timeout, active, chosen] = STEP.exec(text) ?? [];
    if (direction !== 'in' && direction !== 'out') throw new Error(`expected a step, not ${text}`);
    const after = state && {
      state: state.toLowerCase() as StateName,
      timeoutS: Number(timeout),
      active: active === 'active',
      chosen: chosen !== undefined,
    };
    const way: Way = { family: 4, protocol, method, direction };
    const step = { way, flags: flags === '-' ? '' : flags, before, after: after || undefined };
    before = step.after;
    return step;
  });
}

function packetCases({ way, flags, before, after }: Step): PacketCase[] {
  const incoming = way.direction === 'in';
  const was = before && connection(way, { state: before.state });
  const name = `${flags || 'no flags'} on ${before?.state ?? 'nothing'}: ${wayText(way)}`;
  const frame = arriving(way, { flags }).bytes();
  const met = was && { connection: was };
  if (after?.chosen) {
    const { state, timeoutS } = after;
    return [
      { name, ...met, frame, verdict: 'raised_new' },
      { ...opening(`${name}, by ticket`, way, { flags }), ...met, state, timeoutS },
    ];
  }
  if (!was) return [{ name, frame, verdict: incoming ? 'passed_not_syn' : 'passed_not_ours' }];
  const now = after ?? FORGOTTEN;
  const grown = Number(now.active) - Number(before.active);
  return [
    {
      ...forwarded(name, way, { flags }),
      name,
      connection: was,
      state: now.state,
      timeoutS: now.timeoutS,
      ...(grown && { activated: grown as -1 | 1 }),
    },
  ];
}

/**
 * The one difference. A SYN beside which an RST stands lets the kernel forget a connection that
 * has ended; here it is closed, as by any RST, and stays until its time is over.
 */
const FORGOTTEN: Shown = { state: 'close', timeoutS: 10, active: false, chosen: false };

/** Every segment in every state that segments lead to, once, as the kernel took it. */
export const RECORDED_STATES: readonly PacketCase[] = unique(
  readRecording<Line>('datapath/states.jsonl').flatMap(readSteps).flatMap(packetCases),
);

/** Throws where the same segment in the same state came to something else another time. */
function unique(cases: readonly PacketCase[]): PacketCase[] {
  const found = new Map<string, string>();
  return cases.filter((one) => {
    const text = JSON.stringify(one);
    const earlier = found.get(one.name);
    if (earlier && earlier !== text) throw new Error(`expected one outcome of: ${one.name}`);
    found.set(one.name, text);
    return !earlier;
  });
}
