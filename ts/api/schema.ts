import { z } from 'zod';
import type { DestinationId, DestinationSpec, Operation, ServiceId } from '../lvs/operation.ts';
import {
  expectedOf,
  SETTING_NAMES,
  type SettingName,
  type Settings,
  settingValue,
} from '../lvs/settings.ts';
import { parseAddress } from '../net/address.ts';
import { integer } from './shape.ts';
import type { CaptureRequest, OperationsRequest, ReplaceRequest, StopRequest } from './types.ts';

/** The shapes of `types.ts` that clients send, to be checked when they arrive. */

const MAX_PORT = 65_535;
const MAX_INT = 2 ** 31 - 1;

const family = z.union([z.literal(4), z.literal(6)], { error: '4 or 6' });

/** In any spelling; what comes out is the canonical one. */
const address = z.string().transform((text, context) => {
  const found = parseAddress(text);
  if (found !== undefined) return found.text;
  context.addIssue({ code: 'custom', message: 'an address' });
  return z.NEVER;
});

const serviceMembers = {
  protocol: z.enum(['tcp', 'udp']),
  family,
  address,
  port: integer(0, MAX_PORT),
};

/** What names a service. */
export const serviceId: z.ZodType<ServiceId> = z.strictObject(serviceMembers).refine(hasFamily, {
  path: ['address'],
  message: 'an address of the family',
});
/** In any order; what comes out has its own, and each of them once. */
const schedulerFlags = z
  .array(z.enum(['flag-1', 'flag-2', 'flag-3']))
  .transform((given) => [...new Set(given)].sort());
const serviceSpec = z
  .strictObject({
    ...serviceMembers,
    scheduler: z.string(),
    flags: schedulerFlags.exactOptional(),
    exact: z.boolean().exactOptional(),
  })
  .refine(hasFamily, { path: ['address'], message: 'an address of the family' });

const destinationMembers = { address, port: integer(0, MAX_PORT) };
const destinationId: z.ZodType<DestinationId> = z.strictObject(destinationMembers);
/** A destination as it is added. */
export const destinationSpec: z.ZodType<DestinationSpec> = z.strictObject({
  ...destinationMembers,
  method: z.enum(['masq', 'route']),
  weight: integer(0, MAX_INT),
  upperThreshold: integer(0, MAX_INT).exactOptional(),
  lowerThreshold: integer(0, MAX_INT).exactOptional(),
});

const settingSchema = (name: SettingName) =>
  z.unknown().transform((given, context) => {
    const value = settingValue(name, given);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: expectedOf(name) });
    return z.NEVER;
  });

/** Some of the settings, each by a number, its digits or its word. */
export const settingsSchema: z.ZodType<Partial<Settings>> = z.strictObject(
  Object.fromEntries(SETTING_NAMES.map((name) => [name, settingSchema(name).exactOptional()])),
);

/** One change of the rules. */
export const operationSchema: z.ZodType<Operation> = z.discriminatedUnion('op', [
  z.strictObject({ op: z.enum(['addService', 'editService']), service: serviceSpec }),
  z.strictObject({ op: z.literal('deleteService'), service: serviceId }),
  z.strictObject({ op: z.literal('flush') }),
  z.strictObject({
    op: z.enum(['addDestination', 'editDestination']),
    service: serviceId,
    destination: destinationSpec,
  }),
  z.strictObject({
    op: z.literal('deleteDestination'),
    service: serviceId,
    destination: destinationId,
  }),
  z.strictObject({ op: z.literal('zero'), service: serviceId.exactOptional() }),
  z.strictObject({
    op: z.literal('setTimeouts'),
    timeouts: z.strictObject({
      tcpS: integer(0, MAX_INT),
      tcpFinS: integer(0, MAX_INT),
      udpS: integer(0, MAX_INT),
    }),
  }),
  z.strictObject({ op: z.literal('setSettings'), settings: settingsSchema }),
]);

/** Body of POST /operations. */
export const operationsRequestSchema: z.ZodType<OperationsRequest> = z.strictObject({
  operations: z.array(operationSchema),
  atomic: z.boolean().exactOptional(),
  caller: z.string().exactOptional(),
});

/** Body of POST /capture. */
export const captureRequestSchema: z.ZodType<CaptureRequest> = z.strictObject({
  filter: z.string(),
  snapLength: integer(0, MAX_INT),
  count: integer(0, MAX_INT).exactOptional(),
});

/** Body of POST /stop. */
export const stopRequestSchema: z.ZodType<StopRequest> = z.strictObject({ detach: z.boolean() });

/** Body of POST /replace. */
export const replaceRequestSchema: z.ZodType<ReplaceRequest> = z.strictObject({
  program: z.array(z.string()).min(1),
  words: z.array(z.string()),
});

const figures = z.enum(['none', 'counters', 'rates']).exactOptional();

/** Query of GET /services: what names one service, if anything does, and which figures. */
export const serviceQuerySchema = z.union(
  [
    z.strictObject({
      protocol: z.enum(['tcp', 'udp']),
      address,
      port: z
        .string()
        .regex(/^\d{1,5}$/)
        .transform(Number),
      figures,
    }),
    z.strictObject({ figures }),
  ],
  { error: 'protocol, address and port of a service, or none of them, and figures' },
);

function hasFamily(service: { readonly family: number; readonly address: string }): boolean {
  return parseAddress(service.address)?.family === service.family;
}
