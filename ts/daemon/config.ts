import { readFileSync } from 'node:fs';
import { parse, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { settingsSchema } from '../api/schema.ts';
import { integer, parseShape, ShapeError } from '../api/shape.ts';
import type { Sending } from '../dataplane/egress.ts';
import { DEFAULT_CONNECTIONS } from '../dataplane/memory.ts';
import type { ExtraMacs } from '../dataplane/stations.ts';
import type { Settings } from '../lvs/settings.ts';
import { Limits } from '../native/abi.gen.ts';

/** What the configuration file says; nothing in it is required. */
export interface Config {
  /** The interfaces to attach to. */
  readonly interfaces?: readonly string[];
  /** Connections that the table has room for. */
  readonly connections: number;
  /** Destinations that there is room for. */
  readonly destinations: number;
  /** Frames of one receive queue that may wait for a next hop. */
  readonly backlog: number;
  /** MAC addresses of this host beside those of its interfaces; `any`: whatever frames say. */
  readonly macs: ExtraMacs;
  /** How packets leave again by an interface, by its name, in place of its driver's way. */
  readonly sending: Readonly<Record<string, Sending>>;
  /** Settings that hold from each start on. */
  readonly settings?: Partial<Settings>;
  /** Files of the user's own schedulers. */
  readonly schedulers?: readonly string[];
}

/** Read when no other file is named; need not exist. */
export const CONFIG_PATH = '/etc/xlvs/xlvs.yaml';

/** The least and the most connections that a table can be made for. */
export const CONNECTIONS = { min: 1024, max: 16_777_216 } as const;

const macAddress = z
  .string()
  .regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i, 'a MAC address')
  .toLowerCase();

const configSchema = z.strictObject({
  interfaces: z.array(z.string().min(1, 'the name of an interface')).exactOptional(),
  connections: integer(CONNECTIONS.min, CONNECTIONS.max).default(DEFAULT_CONNECTIONS),
  destinations: integer(64, Limits.MAX_DESTINATIONS).default(Limits.MAX_DESTINATIONS),
  backlog: integer(1, 4096).default(256),
  macs: z.union([z.literal('any'), z.array(macAddress)]).default([]),
  sending: z.record(z.string(), z.enum(['tx', 'redirect'])).default({}),
  settings: settingsSchema.exactOptional(),
  schedulers: z.array(z.string().startsWith('/', 'an absolute path')).exactOptional(),
});

/** A file that cannot be used. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** The configuration; without a path that of this machine. Throws ConfigError. */
export function loadConfig(path?: string): Config {
  return parseConfig(readConfig(path), path ?? CONFIG_PATH);
}

/** What a configuration file's text says. Throws ConfigError, which names the file. */
export function parseConfig(text: string, path: string): Config {
  try {
    return parseShape(configSchema, parse(text) ?? {});
  } catch (cause) {
    if (cause instanceof ShapeError) throw new ConfigError(`${path}: ${cause.message}`, { cause });
    if (!(cause instanceof YAMLParseError)) throw cause;
    const [message] = cause.message.split('\n');
    throw new ConfigError(`${path}: expected YAML, received: ${message}`, { cause });
  }
}

function readConfig(path: string | undefined): string {
  try {
    return readFileSync(path ?? CONFIG_PATH, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' && path === undefined) return '';
    throw new ConfigError(`expected a readable configuration file: ${message}`, { cause });
  }
}
