import type { Client } from '../api/client.ts';
import type { Finding } from './finding.ts';

const SUBJECT = 'counts';

/**
 * Whether every destination's counts are those of its connections. Asks the director, which
 * goes on with its work, and puts right what is not. Rejects where none runs.
 */
export async function checkCounts(client: Pick<Client, 'recount'>): Promise<readonly Finding[]> {
  const { miscounts, unsettled } = await client.recount();
  const wrong = miscounts.map(({ destination, counted, held }): Finding => {
    const connections = `${counted.active} active, ${counted.inactive} inactive connections`;
    const were = `counted ${connections}, ${counted.persistent} templates`;
    const are = `the table holds ${held.active}, ${held.inactive}, ${held.persistent}`;
    return { level: 'problem', subject: destination, found: `${were}; ${are}: put right` };
  });
  if (unsettled > 0) {
    const found = `${unsettled} destinations were never at rest: nothing can be said of them`;
    return [...wrong, { level: 'note', subject: SUBJECT, found, advice: 'ask again' }];
  }
  if (wrong.length > 0) return wrong;
  return [{ level: 'ok', subject: SUBJECT, found: 'are those of the connections' }];
}
