import { z } from 'zod';
import { destinationSpec, operationSchema, serviceId } from '../api/schema.ts';
import { integer } from '../api/shape.ts';
import type { CountersText } from '../lvs/counters.ts';
import type { JournalEntry } from '../lvs/journal_entry.ts';

/** The shapes of `lvs/journal_entry.ts`, for what is read back from a file. */

const count = z.string().regex(/^-?\d+$/, 'a decimal number');
const index = integer(0, 2 ** 32 - 1);
const progress = z.strictObject({ edition: index, cursor: z.array(z.int()).length(3) });

const counters: z.ZodType<CountersText> = z.strictObject({
  connections: count,
  inPackets: count,
  outPackets: count,
  inBytes: count,
  outBytes: count,
});
const samples = z.array(z.strictObject({ index, counters }));

/** One line of a journal, after the first. */
export const journalEntrySchema: z.ZodType<JournalEntry> = z.discriminatedUnion('entry', [
  z.strictObject({
    entry: z.literal('operation'),
    operation: operationSchema,
    index: index.exactOptional(),
    counters: samples.exactOptional(),
    progress: progress.exactOptional(),
  }),
  z.strictObject({ entry: z.literal('release'), indices: z.array(index) }),
  z.strictObject({
    entry: z.literal('resume'),
    service: serviceId,
    counterOffset: counters,
    zeroPoints: samples,
    progress,
  }),
  z.strictObject({
    entry: z.literal('trash'),
    service: serviceId,
    destination: destinationSpec,
    index,
    zeroPoint: counters,
    owned: z.boolean(),
  }),
  z.strictObject({
    entry: z.literal('batch'),
    entries: z.array(z.lazy(() => journalEntrySchema)),
  }),
]);

const namespaceSchema = z.strictObject({ name: z.string(), inode: integer(0, 2 ** 32 - 1) });

/** The first line of the journal of a network namespace. */
export function journalHeadSchema(cookie: string): z.ZodType {
  return z.strictObject({
    journal: z.literal('xlvs'),
    version: z.literal(1),
    cookie: z.literal(cookie),
    namespace: namespaceSchema.exactOptional(),
  });
}

/** The network namespace that the first line of any journal names. */
export const journalNamespaceSchema = z.object({ namespace: namespaceSchema });
