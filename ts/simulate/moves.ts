/** Pairs that are shown; there may be thousands. */
const SHOWN = 10;

/** How often somebody was, or would be, served by another destination: by both of them. */
export class Moves {
  readonly #counts = new Map<string, number>();

  add(from: string | null, to: string | null): void {
    const pair = `${from ?? 'nobody'} -> ${to ?? 'nobody'}`;
    this.#counts.set(pair, (this.#counts.get(pair) ?? 0) + 1);
  }

  /** The most frequent ones, a line each. */
  lines(): string[] {
    const pairs = [...this.#counts].sort(([, a], [, b]) => b - a);
    const rest = pairs.slice(SHOWN);
    const others = rest.reduce((sum, [, count]) => sum + count, 0);
    return [
      ...pairs.slice(0, SHOWN).map(([pair, count]) => `  ${pair}  ${count}`),
      ...(rest.length > 0 ? [`  ${rest.length} other pairs  ${others}`] : []),
    ];
  }
}
