import { DEFAULT_TIMEOUTS, stateTimeoutsS } from './connection.ts';

/*
 * When a director defends itself, and what it gives up then. Two means, in the order in which they
 * come: SYN cookies, which keep a NAT service's half-open connections out of the table, and, where
 * there are no cookies (direct routing) or they came too late, relief: connections that nobody
 * would miss are ended before their time. An established TCP connection never is.
 */

/** What is given up: nothing, half-open connections, or also flows that had few packets. */
export type Relief = 'none' | 'half-open' | 'one-sided';

/** LVS's drop_entry when it drops always. */
const DROP_ALWAYS = 3;

/**
 * Shares of the table's slots: what it is made for is taken; and so much that some connections
 * may find no room. IPv6 finds none beyond six of seven.
 */
const NEARLY_FULL = 0.7;
const FULL = 0.8;
/** A relief ends so far below the share at which it begins. */
const MARGIN = 0.05;

/** What the daemon sees of a second. */
export interface Load {
  readonly nowS: number;
  /** Connections in SYN_RECV or SYNACK. */
  readonly halfOpen: number;
  /** SYNs that were answered by a cookie, in the last second. */
  readonly answered: number;
  /** ACKs of such that have opened their connections, in the last second. */
  readonly proven: number;
  /** Share of the table's slots that are taken, 0 to 1. */
  readonly fill: number;
}

/** Half-open connections that are too many, unless the table is small. */
const MOST_HALF_OPEN = 65_536;
/** Share of the table that half-open connections may take. */
const HALF_OPEN_SHARE = 1 / 16;
/** So little for so long is the end of an attack. */
const CALM = 0.5;
const CALM_S = 10;

const SYN_RECV_S = stateTimeoutsS(DEFAULT_TIMEOUTS)[3]!;

/** Whether SYN cookies are sent, and, if so, since when there is no reason any more. */
export interface CookieState {
  readonly on: boolean;
  readonly calmSinceS: number | undefined;
}

/** As a director begins. */
export const NO_COOKIES: CookieState = { on: false, calmSinceS: undefined };

/**
 * Whether SYN cookies are to be sent from now on.
 *
 * What counts is how many half-open connections there are, or would be: while cookies are on,
 * a SYN that nobody proves would have been one for as long as SYN_RECV lasts. So a flood of
 * 5,000 SYN/s is 300,000 half-open connections, seen either way, while a crowd of clients that
 * answer within their round trip is few at any rate. On at the limit, off after ten seconds at
 * less than half of it.
 */
export function decideCookies(before: CookieState, load: Load, tableSize: number): CookieState {
  const limit = Math.min(MOST_HALF_OPEN, tableSize * HALF_OPEN_SHARE);
  const unproven = Math.max(0, load.answered - load.proven) * SYN_RECV_S;
  const pressure = Math.max((load.halfOpen + unproven) / limit, load.fill / FULL);
  if (pressure >= 1) return { on: true, calmSinceS: undefined };
  if (!before.on) return NO_COOKIES;
  if (pressure >= CALM) return { on: true, calmSinceS: undefined };
  const calmSinceS = before.calmSinceS ?? load.nowS;
  return load.nowS - calmSinceS >= CALM_S ? NO_COOKIES : { on: true, calmSinceS };
}

/**
 * The relief for a table of which that share is taken; `before` is what it was until now. Without
 * drop_entry a full table gives up half-open connections all the same, or it would refuse new ones.
 */
export function decideRelief(before: Relief, fill: number, dropEntry: number): Relief {
  if (dropEntry === DROP_ALWAYS) return 'one-sided';
  const isFrom = (relief: Relief, share: number): boolean =>
    fill >= share - (before === relief || before === 'one-sided' ? MARGIN : 0);
  if (dropEntry === 0) return isFrom('half-open', FULL) ? 'half-open' : 'none';
  if (isFrom('one-sided', FULL)) return 'one-sided';
  return isFrom('half-open', NEARLY_FULL) ? 'half-open' : 'none';
}
