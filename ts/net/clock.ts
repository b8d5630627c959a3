/** Stops what `after` or `every` began. */
export type Cancel = () => void;

/** Time, as everything that waits is given it: the real one, or a test's. */
export interface Clock {
  /** Milliseconds since some moment in the past; never steps back. */
  now(): number;
  after(ms: number, run: () => void): Cancel;
  every(ms: number, run: () => void): Cancel;
}

/** Real time. Its timers do not keep the process alive. */
export const realClock: Clock = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms).unref();
    return () => clearTimeout(timer);
  },
  every: (ms, run) => {
    const timer = setInterval(run, ms).unref();
    return () => clearInterval(timer);
  },
};
