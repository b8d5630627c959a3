import { carryOut, complain, type Session } from './commands.ts';
import { parseCommandLine } from './ipvsadm.ts';
import { restore } from './restore.ts';

/** Runs one ipvsadm command line and returns its exit status. */
export async function adm(words: readonly string[], session: Session): Promise<number> {
  try {
    const request = await parseCommandLine(words.length === 0 ? ['-L'] : words, session.names);
    if (request.kind === 'restore') return await restore(request, session);
    return await carryOut(request, session);
  } catch (error) {
    return complain(error, session);
  }
}
