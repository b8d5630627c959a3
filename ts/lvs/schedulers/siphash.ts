// Hot: runs per connection. Do not allocate.

/** Four words of 64 bits, each as its lower and its upper half. */
const v = new Int32Array(8);
const [V0, V1, V2, V3] = [0, 2, 4, 6] as const;

/** "somepseudorandomlygeneratedbytes", as the algorithm begins. */
const BEGIN = Int32Array.of(
  0x70736575,
  0x736f6d65,
  0x6e646f6d,
  0x646f7261,
  0x6e657261,
  0x6c796765,
  0x79746573,
  0x74656462,
);

/**
 * The hash of a 32-bit word, unsigned, as hsiphash() of 64-bit kernels has it: SipHash-1-3 of
 * four bytes, cut to 32 bits. `key`: both 64-bit words of it, each below 2 ** 32.
 *
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF"; Linux lib/siphash.c.
 */
export function hsiphash(value: number, key: number): number {
  for (let at = 0; at < v.length; at++) v[at] = BEGIN[at]! ^ (at % 2 === 0 ? key : 0);
  const length = 4 << 24; // in the last byte of the only block
  v[V3]! ^= value;
  v[V3 + 1]! ^= length;
  round();
  v[V0]! ^= value;
  v[V0 + 1]! ^= length;
  v[V2]! ^= 0xff;
  round();
  round();
  round();
  return (v[V0]! ^ v[V1]! ^ v[V2]! ^ v[V3]!) >>> 0;
}

function round(): void {
  mix(V0, V1, 13);
  swap(V0);
  mix(V2, V3, 16);
  mix(V0, V3, 21);
  mix(V2, V1, 17);
  swap(V2);
}

/** a += b; b is rotated to the left; b ^= a. */
function mix(a: number, b: number, by: number): void {
  const [low, high] = [v[b]!, v[b + 1]!];
  const sum = (v[a]! >>> 0) + (low >>> 0);
  v[a] = sum;
  v[a + 1]! += high + (sum > 0xffff_ffff ? 1 : 0);
  v[b] = ((low << by) | (high >>> (32 - by))) ^ v[a]!;
  v[b + 1] = ((high << by) | (low >>> (32 - by))) ^ v[a + 1]!;
}

/** Rotates a word by 32. */
function swap(a: number): void {
  const low = v[a]!;
  v[a] = v[a + 1]!;
  v[a + 1] = low;
}
