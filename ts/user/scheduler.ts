/**
 * Schedulers of your own: this is all that `import type { … } from 'xlvs'` gives. A module exports
 * one of them as `scheduler`; docs/schedulers.md has a worked example. Its kind says what a choice
 * depends on, and by that how it can be made ahead.
 */
export type Scheduler = SequenceScheduler | CountsScheduler | FlowScheduler;

interface AnyScheduler {
  /** What `ipvsadm -s` names it: a letter, then up to 14 letters, digits, - and _. */
  readonly name: string;
}

/** Chooses by the rules and by its turn alone, and so far ahead: at the rate of rr and wrr. */
export interface SequenceScheduler extends AnyScheduler {
  readonly kind: 'sequence';

  /**
   * One of the destinations, which are at least one, newest first. Turns are counted from 0, for
   * each service. The same destinations and turn have to give the same choice at any time: what
   * is not used when the rules change is chosen once more.
   */
  choose(destinations: readonly Member[], turn: number): Member;
}

/** Chooses by the connections that destinations have: one by one, or a millisecond or two ahead. */
export interface CountsScheduler extends AnyScheduler {
  readonly kind: 'counts';

  /** One of the destinations, which are at least one, newest first. */
  choose(destinations: readonly Destination[]): Destination;
}

/** Chooses by whatever it likes: it is asked for every new connection. */
export interface FlowScheduler extends AnyScheduler {
  readonly kind: 'flow';

  /** One of the destinations, which are at least one, newest first. */
  choose(destinations: readonly Destination[], flow: Flow): Destination;
}

/**
 * A destination of the service that takes new connections. It is the same object at every call,
 * and shows what is so at the moment; one that is quiesced or overloaded is not among those that
 * are given. The list may serve several calls: sort a copy of it.
 */
export interface Member {
  readonly address: string;
  readonly port: number;
  /** Never 0. */
  readonly weight: number;
}

/** A destination with its connections. */
export interface Destination extends Member {
  readonly activeConnections: number;
  readonly inactiveConnections: number;
}

/** The first packet of a connection. Addresses are text, as `ipvsadm -n` shows them. */
export interface Flow {
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly virtualAddress: string;
}
