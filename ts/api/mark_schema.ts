import { z } from 'zod';
import type { MarkRule, PortRange } from '../lvs/marks/rule.ts';
import { familyOf } from '../net/address.ts';
import { parsePrefix } from '../net/prefix.ts';
import { integer } from './shape.ts';

/** The shape of `lvs/marks/rule.ts`. */

const MAX_PORT = 65_535;
const MAX_MARK = 2 ** 32 - 1;

/** In any spelling; what comes out is the canonical one. */
const prefix = z.string().transform((text, context) => {
  const found = parsePrefix(text);
  if (found !== undefined) return found;
  context.addIssue({ code: 'custom', message: 'a prefix such as 10.0.0.0/8' });
  return z.NEVER;
});

const portRange: z.ZodType<PortRange> = z
  .tuple([integer(0, MAX_PORT), integer(0, MAX_PORT)])
  .refine(([first, last]) => first <= last, { message: 'a first and a last port' });

const ports = wanted(z.array(portRange).min(1));
const maskedMark = z.strictObject({ value: integer(0, MAX_MARK), mask: integer(0, MAX_MARK) });

/** A rule of firewall marks. */
export const markRule: z.ZodType<MarkRule> = z
  .strictObject({
    family: z.union([z.literal(4), z.literal(6)], { error: '4 or 6' }),
    source: wanted(prefix).exactOptional(),
    destination: wanted(prefix).exactOptional(),
    protocol: wanted(integer(1, 255)).exactOptional(),
    sourcePorts: ports.exactOptional(),
    destinationPorts: ports.exactOptional(),
    ports: ports.exactOptional(),
    interface: wanted(z.string().min(1)).exactOptional(),
    mark: wanted(maskedMark).exactOptional(),
    set: maskedMark.exactOptional(),
    last: z.literal(true).exactOptional(),
  })
  .refine(hasFamily, { message: 'addresses of the family' });

function wanted<T>(is: z.ZodType<T>) {
  return z.strictObject({ is, not: z.literal(true).exactOptional() });
}

function hasFamily({ family, source, destination }: MarkRule): boolean {
  return [source, destination].every((one) => one === undefined || familyOf(one.is) === family);
}
