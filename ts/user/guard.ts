import { createContext, Script } from 'node:vm';
import { Fault, type Guard } from './adapter.ts';

const box = { work: (): void => {} };
const context = createContext(box);
const call = new Script('work()');

/**
 * Ends the user's code when it takes longer. V8 stops whatever runs below the script, wherever it
 * was loaded; so only code that may be stopped anywhere may be called so. A call costs about as
 * much as the start of a thread.
 */
export function within(limitMs: number): Guard {
  return (work) => {
    box.work = work;
    try {
      call.runInContext(context, { timeout: limitMs, displayErrors: false });
    } catch (error) {
      const { code } = Object(error) as { readonly code?: unknown };
      if (code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
      throw new Fault(`took longer than ${limitMs} ms`);
    }
  };
}
