import type { Finding } from '../ts/doctor/finding.ts';
import type { Tally } from '../ts/lab/http_client.ts';
import { median } from './statistics.ts';

/** A heap that is collected now and then is flat within so much. */
const GROWTH_SHARE = 0.1;
const GROWTH_BYTES = 24 * 2 ** 20;
/** Clients come and go. */
const GROWTH_DESCRIPTORS = 3;

const MIB = 2 ** 20;
/** Of pino. */
const ERROR_LEVEL = 50;

/** What a daemon holds at a moment. */
export interface Sample {
  /** Memory of its own. */
  readonly bytes: number;
  readonly descriptors: number;
}

/** All that was counted in a soak. */
export interface SoakReport {
  readonly frames: { readonly sent: number; readonly received: number };
  /** Of HTTP, by forwarding method. */
  readonly requests: Readonly<Record<string, Tally>>;
  /** Of the one TCP connection that was there all the time. */
  readonly messages: number;
  readonly commands: number;
  /** Kills and replacements. */
  readonly restarts: number;
  /** Of the daemon that lived to the end. */
  readonly samples: readonly Sample[];
  /** What `xlvs doctor --counts` found in the end. */
  readonly counts: string;
  /** Destinations whose counts were put right on the way. */
  readonly corrected: number;
  /** Packets by verdict. */
  readonly verdicts: Readonly<Record<string, number>>;
  /** The daemons' log. */
  readonly log: string;
}

/** Whether nothing was lost, counts are right and memory is flat. */
export function judge(report: SoakReport): readonly Finding[] {
  return [
    judgeFrames(report),
    ...Object.entries(report.requests).map(([method, tally]) => judgeRequests(method, tally)),
    finding('connection', `${report.messages} messages, and it goes on`, report.messages > 0),
    finding('operator', `${report.commands} commands, ${report.restarts} restarts`, true),
    judgeCounts(report),
    judgeVerdicts(report),
    judgeLog(report),
    judgeMemory(report),
    judgeDescriptors(report),
  ];
}

function judgeFrames({ frames: { sent, received } }: SoakReport): Finding {
  return finding('frames', `${sent} sent, ${sent - received} lost`, sent > 0 && sent === received);
}

function judgeRequests(method: string, { order, errors, resent }: Tally): Finding {
  const codes = [...new Set(errors.map(({ code }) => code))].join(' ');
  const found = `${order.length} answered, ${resent} resent, ${errors.length} failed ${codes}`;
  const isUndisturbed = resent === 0 && errors.length === 0;
  return finding(`requests by ${method}`, found, order.length > 0 && isUndisturbed);
}

/** Who is killed may leave counts wrong, which are put right; in the end none is. */
function judgeCounts({ counts, corrected }: SoakReport): Finding {
  const found = `${counts.trim().replace(/\s+/g, ' ')}; put right on the way: ${corrected}`;
  return finding('counts', found, /^ok\b/.test(counts));
}

function judgeVerdicts({ verdicts }: SoakReport): Finding {
  const dropped = Object.entries(verdicts).filter(
    ([name, packets]) => name.startsWith('dropped') && packets > 0,
  );
  const found = dropped.map(([name, packets]) => `${name} ${packets}`).join(', ');
  return finding('packets', found || 'none dropped', dropped.length === 0);
}

function judgeLog({ log }: SoakReport): Finding {
  const lines = log.split('\n').filter((line) => line.startsWith('{'));
  const errors = lines.filter((line) => JSON.parse(line).level >= ERROR_LEVEL);
  return finding('log', errors[0] ?? `${lines.length} lines, no error`, errors.length === 0);
}

function judgeMemory({ samples }: SoakReport): Finding {
  const [before, after] = thirds(samples.map(({ bytes }) => bytes));
  const most = before + Math.max(GROWTH_BYTES, GROWTH_SHARE * before);
  return finding('memory', `${mib(before)}, later ${mib(after)}`, after <= most);
}

function judgeDescriptors({ samples }: SoakReport): Finding {
  const [before, after] = thirds(samples.map(({ descriptors }) => descriptors));
  return finding('descriptors', `${before}, later ${after}`, after <= before + GROWTH_DESCRIPTORS);
}

/** The second third and the last one; in the first much is used for the first time. */
function thirds(values: readonly number[]): [number, number] {
  const third = Math.floor(values.length / 3);
  if (third === 0) throw new Error(`expected three samples, received ${values.length}`);
  return [median(values.slice(-2 * third, -third)), median(values.slice(-third))];
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}

function finding(subject: string, found: string, ok: boolean): Finding {
  return { level: ok ? 'ok' : 'problem', subject, found };
}
