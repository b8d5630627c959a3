/** Takes one change back, those made after it having been taken back already. */
export type Undo = () => void;

/** Takes several changes back, the last one first. */
export function inReverse(undos: readonly Undo[]): Undo {
  return () => {
    for (const undo of undos.toReversed()) undo();
  };
}
