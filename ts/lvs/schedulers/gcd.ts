/** The greatest common divisor; of 0 and b it is b. */
export function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
