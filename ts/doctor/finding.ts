/** ok; a note is worth knowing; a warning costs something; with a problem xlvs cannot run here. */
export type Level = 'ok' | 'note' | 'warning' | 'problem';

/** One judged fact. */
export interface Finding {
  readonly level: Level;
  /** What was looked at: `kernel`, `capabilities`, an interface's name. */
  readonly subject: string;
  readonly found: string;
  /** What to do about it; absent where there is nothing to do. */
  readonly advice?: string;
}

/** Findings as a table for people; advice stands under what was found. */
export function findingsTable(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ subject }) => subject.length));
  const row = (level: string, subject: string, text: string) =>
    `${level.padEnd(8)} ${subject.padEnd(width)} ${text}\n`;
  return findings
    .map(({ level, subject, found, advice }) => {
      const first = row(level, subject, found);
      return advice ? first + row('', '', `-> ${advice}`) : first;
    })
    .join('');
}

/** True when nothing that was found is a problem. */
export function canRun(findings: readonly Finding[]): boolean {
  return findings.every(({ level }) => level !== 'problem');
}
