import type { Family } from '../../ts/net/address.ts';

/** The real servers and clients of vectors/schedulers, as its scenarios have them. */

/** The address of a real server, by its letter. */
export function addressOf(letter: string, family: Family): string {
  return `${family === 6 ? '2001:db8:2::' : '10.2.0.'}${letter.charCodeAt(0) - 54}`;
}

/** And the other way round. */
export function letterOf(address: string): string {
  return String.fromCharCode(Number(/\d+$/.exec(address)![0]) + 54);
}

/** A client's address and port, and the virtual address that it connects to. */
export interface RecordedClient {
  readonly client: string;
  readonly port: number;
  readonly virtual: string;
}

/** As flows() of the scenario. */
export function* clientsOf(seed: number, family: Family): Generator<RecordedClient, never> {
  let state = seed;
  const number = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 16;
  };
  for (;;) {
    const n = Array.from({ length: 7 }, number) as [number, number, number, ...number[]];
    const port = 1024 + (n[2] % 60_000);
    yield { ...(family === 4 ? ipv4Ends(n) : ipv6Ends(n)), port };
  }
}

function ipv4Ends([first, second, , third = 0]: readonly number[]) {
  const low = (number = 0) => `${number >> 8}.${number & 255}`;
  return { client: `172.${16 + (first! % 16)}.${low(second)}`, virtual: `10.100.${low(third)}` };
}

function ipv6Ends(n: readonly number[]) {
  const words = (of: readonly number[]) => of.map((word) => word.toString(16)).join(':');
  return {
    client: `2001:db8:16:${words([...n.slice(0, 2), ...n.slice(3, 5)])}:1`,
    virtual: `2001:db8:100:${words(n.slice(3, 7))}:1`,
  };
}
