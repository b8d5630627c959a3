import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from './addon.ts';
import { constantBytes } from './rodata.ts';

/**
 * The layout generator: the BTF of the BPF object -> the TypeScript view of bpf/abi.h. And, of
 * the object's constants, the one that TypeScript needs too: the table of states.
 *
 *   bpf/abi.h   -> clang -g -> BTF     -> this -> ts/native/abi.gen.ts
 *   bpf/state.h -> clang    -> .rodata -> this -> ts/lvs/state.gen.ts
 *
 * BTF keeps typedef names, so a field typed __be16 becomes a big-endian accessor. What cannot be
 * read without surprise is refused: padding that nobody wrote, bit-fields, pointers, and
 * integers that straddle their own alignment.
 */

/** bpftool's object: bpf-linker orders its types by its own lights. */
export const BTF_OBJECT = join(packageRoot(), 'build', 'director.bpftool.o');

/** The shared layout: bpf/abi.h, and what it includes at its end. */
export const ABI_HEADERS = [
  'bpf/abi.h',
  'bpf/next_hop_abi.h',
  'bpf/schedule_abi.h',
  'bpf/capture_abi.h',
  'bpf/marks_abi.h',
] as const;

/** Where bpftool is looked for: Debian installs it beside the administrator's tools. */
export const BTF_PATH = `${process.env.PATH}:/usr/sbin:/sbin`;

interface BtfMember {
  readonly name: string;
  readonly type_id: number;
  readonly bits_offset: number;
  readonly bitfield_size?: number;
}

/** One type of `bpftool -j btf dump file`, as far as it is looked at. */
export interface BtfType {
  readonly id: number;
  readonly kind: string;
  readonly name: string;
  readonly size?: number;
  readonly type_id?: number;
  readonly nr_elems?: number;
  readonly members?: readonly BtfMember[];
  readonly values?: readonly { readonly name: string; readonly val: number }[];
  readonly vars?: readonly {
    readonly type_id: number;
    readonly offset: number;
    readonly size: number;
  }[];
}

/** A field of a struct, as the generator sees it. */
interface Field {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  readonly lines: readonly string[];
}

const INTEGERS: Readonly<Record<string, { readonly read: string; readonly size: number }>> = {
  __u8: { read: 'Uint8', size: 1 },
  __s8: { read: 'Int8', size: 1 },
  __u16: { read: 'Uint16', size: 2 },
  __be16: { read: 'Uint16', size: 2 },
  __u32: { read: 'Uint32', size: 4 },
  __be32: { read: 'Uint32', size: 4 },
  __u64: { read: 'BigUint64', size: 8 },
};

/** The text of abi.gen.ts for the built object. Throws where bpftool or the object is missing. */
export function generate(): string {
  const headers = ABI_HEADERS.map((name) => readFileSync(join(packageRoot(), name), 'utf8'));
  return emit(readTypes(), declarations(headers.join('')));
}

/** The text of state.gen.ts for the built object: by view, event and state the one that follows. */
export function generateStates(): string {
  const types = readTypes();
  const table = constantBytes(readFileSync(BTF_OBJECT), types, 'tcp_transitions');
  const states = shortNames(enumNamed(types, 'connection_state'));
  const room = states.find(({ name }) => name === 'STATES_ROOM')!.value;
  const views = shortNames(enumNamed(types, 'tcp_view'));
  const events = shortNames(enumNamed(types, 'tcp_event')).filter(({ name }) => name !== 'NONE');
  const tcp = states.filter(({ name }) => !/^STATES|^UDP|^ASSURED$/.test(name));
  const row = (view: number, event: number): string[] =>
    tcp.map(({ name, value }) => {
      const next = table[(view * events.length + event) * room + value];
      return `      ${name}: '${tcp.find((state) => state.value === next)?.name}',`;
    });
  const lines = views.flatMap((view) => [
    `  ${view.name}: {`,
    ...events.flatMap((event) => [
      `    ${event.name}: {`,
      ...row(view.value, event.value),
      '    },',
    ]),
    '  },',
  ]);
  return [
    '// Generated from bpf/state.h by ts/native/gen_abi.ts (npm run abi). Do not edit.',
    '',
    '/** tcp_transitions: by what is seen of a connection, event and state, the next state. */',
    'export const TCP_TRANSITIONS = {',
    ...lines,
    '} as const;\n',
  ].join('\n');
}

function readTypes(): readonly BtfType[] {
  const json = execFileSync('bpftool', ['-j', 'btf', 'dump', 'file', BTF_OBJECT], {
    env: { ...process.env, PATH: BTF_PATH },
    maxBuffer: 1 << 26,
  });
  return (JSON.parse(json.toString()) as { types: BtfType[] }).types;
}

/** The names that the headers define, in their order: only they are ours. */
function declarations(header: string): string[] {
  return [...header.matchAll(/^(?:struct|enum) (\w+) \{/gm)].map(([, name = '']) => name);
}

/** TypeScript for the named structs and enums. Throws where one cannot be read without surprise. */
export function emit(types: readonly BtfType[], names: readonly string[]): string {
  const byId = new Map(types.map((type) => [type.id, type]));
  const parts = names.map((name) => {
    const type = types.find(
      ({ kind, name: own }) => own === name && (kind === 'STRUCT' || kind.startsWith('ENUM')),
    );
    if (type === undefined) throw new Error(`expected ${name} in the BTF: nothing mentions it`);
    return type.kind === 'STRUCT' ? emitStruct(type, byId) : emitEnum(type);
  });
  const first = '// Generated from bpf/abi.h by ts/native/gen_abi.ts (npm run abi). Do not edit.';
  return `${[first, ...parts].join('\n\n')}\n`;
}

function emitEnum(type: BtfType): string {
  const prefix = prefixOf(type);
  return [
    `/** enum ${type.name}${prefix && `, without ${prefix}`}. */`,
    `export const ${pascal(type.name)} = {`,
    ...shortNames(type).map(({ name, value }) => `  ${name}: ${value},`),
    '} as const;',
  ].join('\n');
}

/** What the constants' names have in common, and TypeScript's do without. */
function prefixOf({ values = [] }: BtfType): string {
  const first = `${values[0]?.name.split('_')[0]}_`;
  return values.filter((value) => value.name.startsWith(first)).length > 1 ? first : '';
}

/** VERDICT_FORWARDED_IN is FORWARDED_IN; VERDICTS and NEXT keep their names. */
function shortNames(type: BtfType): { readonly name: string; readonly value: number }[] {
  const prefix = prefixOf(type);
  return (type.values ?? []).map(({ name, val }) => ({
    name: name.startsWith(prefix) ? name.slice(prefix.length) : name,
    value: val >>> 0,
  }));
}

function enumNamed(types: readonly BtfType[], name: string): BtfType {
  const type = types.find((each) => each.kind.startsWith('ENUM') && each.name === name);
  if (type === undefined) throw new Error(`expected ${name} in the BTF: nothing mentions it`);
  return type;
}

function emitStruct(type: BtfType, byId: ReadonlyMap<number, BtfType>): string {
  const fields = (type.members ?? []).map((member) => field(type.name, member, byId));
  let end = 0;
  for (const { name, offset, size } of fields) {
    if (offset !== end) throw new Error(`struct ${type.name}: expected no hole before ${name}`);
    end = offset + size;
  }
  if (end !== type.size) throw new Error(`struct ${type.name}: expected no hole at the end`);
  return [
    `/** struct ${type.name}, ${type.size} bytes. */`,
    `export const ${pascal(type.name)} = {`,
    `  size: ${type.size},`,
    ...fields.filter(({ name }) => name !== 'pad').flatMap(({ lines }) => lines),
    '} as const;',
  ].join('\n');
}

function field(
  struct: string,
  { name, type_id, bits_offset, bitfield_size = 0 }: BtfMember,
  byId: ReadonlyMap<number, BtfType>,
): Field {
  if (bitfield_size !== 0) throw new Error(`struct ${struct}: expected no bit-field, ${name}`);
  const offset = bits_offset / 8;
  const { type, alias } = resolve(type_id, byId);
  const integer = INTEGERS[alias];
  const own = camel(name);
  if (integer !== undefined) {
    if (offset % integer.size !== 0) throw new Error(`struct ${struct}: ${name} is not aligned`);
    return { name, offset, size: integer.size, lines: accessors(own, offset, alias, integer) };
  }
  if (type.kind === 'ARRAY') {
    const element = resolve(type.type_id ?? 0, byId);
    const size = INTEGERS[element.alias]?.size ?? element.type.size ?? 0;
    const count = type.nr_elems ?? 0;
    const lines = [`  ${own}: { at: ${offset}, count: ${count}, elementSize: ${size} },`];
    return { name, offset, size: size * count, lines };
  }
  if (type.kind === 'STRUCT' && type.size !== undefined) {
    return { name, offset, size: type.size, lines: [`  ${own}At: ${offset},`] };
  }
  throw new Error(`struct ${struct}: expected an integer, array or struct for ${name}`);
}

function accessors(
  name: string,
  offset: number,
  alias: string,
  { read, size }: { readonly read: string; readonly size: number },
): string[] {
  const value = size === 8 ? 'bigint' : 'number';
  const at = offset === 0 ? 'at' : `at + ${offset}`;
  const order = size === 1 ? '' : `, ${!alias.startsWith('__be')}`;
  return [
    `  ${name}At: ${offset}, // ${alias}`,
    `  ${name}: (view: DataView, at: number): ${value} => view.get${read}(${at}${order}),`,
    `  set${pascal(name)}: (view: DataView, at: number, value: ${value}): void =>`,
    `    view.set${read}(${at}, value${order}),`,
  ];
}

/** The type behind typedefs and qualifiers, and the first typedef name that we know. */
function resolve(
  id: number,
  byId: ReadonlyMap<number, BtfType>,
): { readonly type: BtfType; readonly alias: string } {
  let type = byId.get(id);
  let alias = '';
  while (type !== undefined && ['TYPEDEF', 'CONST', 'VOLATILE'].includes(type.kind)) {
    if (alias === '' && type.name in INTEGERS) alias = type.name;
    type = byId.get(type.type_id ?? 0);
  }
  if (type === undefined) throw new Error(`expected a type for BTF id ${id}`);
  return { type, alias };
}

function pascal(name: string): string {
  const text = camel(name);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function camel(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(join(packageRoot(), 'ts', 'native', 'abi.gen.ts'), generate());
  writeFileSync(join(packageRoot(), 'ts', 'lvs', 'state.gen.ts'), generateStates());
}
