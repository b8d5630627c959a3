import { z } from 'zod';
import type {
  DestinationId,
  DestinationSpec,
  Operation,
  ServiceId,
  ServiceSpec,
  Tunnel,
} from '../lvs/operation.ts';
import {
  expectedOf,
  SETTING_NAMES,
  type SettingName,
  type Settings,
  settingValue,
} from '../lvs/settings.ts';
import { parseAddress } from '../net/address.ts';
import { markRule } from './mark_schema.ts';
import { integer } from './shape.ts';
import type { CaptureRequest, OperationsRequest, ReplaceRequest, StopRequest } from './types.ts';

/** The shapes of `types.ts` that clients send, to be checked when they arrive. */

const MAX_PORT = 65_535;
const MAX_INT = 2 ** 31 - 1;
const MAX_PERSISTENCE_S = 31 * 86_400;

const family = z.union([z.literal(4), z.literal(6)], { error: '4 or 6' });

/** In any spelling; what comes out is the canonical one. */
const address = z.string().transform((text, context) => {
  const found = parseAddress(text);
  if (found !== undefined) return found.text;
  context.addIssue({ code: 'custom', message: 'an address' });
  return z.NEVER;
});

const serviceMembers = {
  protocol: z.enum(['tcp', 'udp', 'fwm']),
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
const persistence = z.strictObject({
  timeoutS: integer(1, MAX_PERSISTENCE_S),
  netmask: z.string().exactOptional(),
});
const serviceSpec = z
  .strictObject({
    ...serviceMembers,
    scheduler: z.string(),
    flags: schedulerFlags.exactOptional(),
    exact: z.boolean().exactOptional(),
    persistence: persistence.exactOptional(),
  })
  .refine(hasFamily, { path: ['address'], message: 'an address of the family' })
  .refine(hasNetmask, { path: ['persistence', 'netmask'], message: 'a netmask of the family' });

const destinationMembers = { address, port: integer(0, MAX_PORT) };
const destinationId: z.ZodType<DestinationId> = z.strictObject(destinationMembers);
const tunnel: z.ZodType<Tunnel> = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('gue'),
    port: integer(1, MAX_PORT),
    checksum: z.enum(['none', 'full', 'remote']),
  }),
  z.strictObject({ type: z.literal('gre'), checksum: z.enum(['none', 'full']) }),
]);
/** A destination as it is added. */
export const destinationSpec: z.ZodType<DestinationSpec> = z.strictObject({
  ...destinationMembers,
  method: z.enum(['masq', 'route', 'tunnel']),
  tunnel: tunnel.exactOptional(),
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

/** One change of the rules, those of firewall marks included (mark_schema.ts). */
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
  z.strictObject({
    op: z.literal('addMarks'),
    rules: z.array(markRule),
    at: integer(1, MAX_INT).exactOptional(),
  }),
  z.strictObject({
    op: z.literal('deleteMark'),
    rule: z.union([integer(1, MAX_INT), markRule], { error: 'a mark rule, or its place' }),
  }),
  z.strictObject({ op: z.literal('setMarks'), rules: z.array(markRule) }),
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
      protocol: z.enum(['tcp', 'udp', 'fwm']),
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

function hasNetmask({ family, persistence }: ServiceSpec): boolean {
  const { netmask } = persistence ?? {};
  if (netmask === undefined) return true;
  if (family === 4) return parseAddress(netmask)?.family === 4;
  return /^[1-9]\d{0,2}$/.test(netmask) && Number(netmask) <= 128;
}
