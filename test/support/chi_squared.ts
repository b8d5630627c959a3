/** How often something was seen, and how often it was to be expected. */
export type Cell = readonly [seen: number, expected: number];

/**
 * How many standard deviations cells are further off than chance makes them: above 4 one time in
 * 30,000. `degrees`: cells that are free to differ.
 *
 * Source: Pearson's chi-squared; Wilson and Hilferty, "The Distribution of Chi-square".
 */
export function deviation(cells: readonly Cell[], degrees: number): number {
  const chiSquared = cells.reduce((sum, [seen, wanted]) => sum + (seen - wanted) ** 2 / wanted, 0);
  const spread = 2 / (9 * degrees);
  return (Math.cbrt(chiSquared / degrees) - (1 - spread)) / Math.sqrt(spread);
}
