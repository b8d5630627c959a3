import { dirname, join } from 'node:path/posix';
import { lineOf, type Node, parse, type SourceFile, walk } from './tidy.ts';

/**
 * Who may import whom. A room is a folder of ts/; it always may import itself. `types` are rooms of
 * which it may only import types. The daemon imports everything and nothing imports the daemon.
 *
 *   net <- lvs <- dataplane <- daemon            api, cli: where no addon is built
 */
const rooms: Readonly<Record<string, { rooms: readonly string[]; types?: readonly string[] }>> = {
  net: { rooms: [] },
  lvs: { rooms: ['net'] },
  native: { rooms: [] },
  dataplane: { rooms: ['lvs', 'net', 'native'] },
  health: { rooms: ['net'], types: ['lvs'] },
  vrrp: { rooms: ['net'], types: ['lvs'] },
  sync: { rooms: ['net'], types: ['lvs'] },
  api: { rooms: ['lvs', 'net'] },
  cli: { rooms: ['api', 'net'], types: ['lvs'] },
  user: { rooms: ['lvs', 'net'] },
  simulate: { rooms: ['lvs', 'net', 'cli', 'user'] },
  doctor: { rooms: ['dataplane', 'native', 'net', 'api'] },
  lab: { rooms: ['native', 'net'] },
  daemon: {
    rooms: ['net', 'lvs', 'native', 'dataplane', 'health', 'vrrp', 'sync', 'api', 'doctor', 'user'],
  },
};

/** What ts/lvs must do without, so that it runs on any clock and in any process. */
const impure = new Set(
  'Date performance process setTimeout setInterval setImmediate queueMicrotask fetch'.split(' '),
);

interface Import {
  readonly node: Node;
  readonly from: string;
  readonly kind: 'value' | 'type' | 'dynamic';
}

/** Imports of a TypeScript file for which no arrow is drawn, and what makes ts/lvs impure. */
export function arrowFindings(file: SourceFile): string[] {
  const program = parse(file);
  const found: string[] = [];
  const report = (node: Node, text: string) =>
    found.push(`${file.path}:${lineOf(file, node.start)}: ${text}`);

  for (const each of importsOf(program)) {
    const complaint = complain(file.path, each);
    if (complaint) report(each.node, complaint);
  }
  if (file.path.startsWith('ts/lvs/')) {
    walk(program, [], (node) => {
      if (node.async === true) report(node, 'async in ts/lvs');
      if (node.type === 'Identifier' && impure.has(String(node.name))) {
        report(node, `${node.name} in ts/lvs`);
      }
    });
  }
  return found;
}

function complain(path: string, { from, kind }: Import): string | undefined {
  const [top, room] = path.split('/') as [string, string];
  if (top !== 'ts') return undefined;
  if (!from.startsWith('.')) return complainOfPackage(room, from);

  const target = join(dirname(path), from);
  const [targetTop, targetRoom] = target.split('/') as [string, string];
  if (targetTop !== 'ts') return `imports ${target}`;
  if (targetRoom === room) return undefined;
  // The commands of bin/xlvs, each loaded when it is called for.
  const command = path === 'ts/cli/main.ts' && target === `ts/${targetRoom}/main.ts`;
  if (command && kind === 'dynamic') return undefined;
  const allowed = rooms[room];
  if (!allowed) return `ts/${room} has no arrows: draw them in test/support/tidy_arrows.ts`;
  if (allowed.rooms.includes(targetRoom)) return undefined;
  if (kind === 'type' && allowed.types?.includes(targetRoom)) return undefined;
  return `ts/${room} imports ${target}`;
}

function complainOfPackage(room: string, from: string): string | undefined {
  const pure = !from.startsWith('node:') || from.startsWith('node:assert');
  return room === 'lvs' && !pure ? `ts/lvs imports ${from}` : undefined;
}

function importsOf(program: Node): readonly Import[] {
  const imports: Import[] = [];
  walk(program, [], (node) => {
    const source = node.source as Node | null | undefined;
    if (!/^(Import|Export)/.test(node.type) || typeof source?.value !== 'string') return;
    imports.push({ node, from: source.value, kind: kindOf(node) });
  });
  return imports;
}

function kindOf(node: Node): Import['kind'] {
  if (node.type === 'ImportExpression') return 'dynamic';
  const specifiers = (node.specifiers ?? []) as readonly Node[];
  const everyType = specifiers.length > 0 && specifiers.every((each) => each.importKind === 'type');
  return everyType || node.importKind === 'type' || node.exportKind === 'type' ? 'type' : 'value';
}

/** Names that bpf/abi.h gives to structs, enums and their constants. */
export function abiNames(header: string): readonly string[] {
  const code = header.replaceAll(/\/\*[\s\S]*?\*\//g, '');
  const types = [...code.matchAll(/\b(?:struct|enum) (\w+) \{/g)].map((match) => match[1]!);
  const constants = [...code.matchAll(/^\t([A-Z_0-9]+) = /gm)].map((match) => match[1]!);
  return [...types, ...constants];
}

/** Lines that define a name of bpf/abi.h a second time. */
export function secondDefinitions({ path, text }: SourceFile, names: readonly string[]): string[] {
  const any = names.join('|');
  const constant = names.filter((name) => name === name.toUpperCase()).join('|');
  const definition = new RegExp(
    `\\b(struct|enum)\\s+(${any})\\s*\\{|#define\\s+(${any})\\b|` +
      `(^|\\bconst(expr)?\\b.*)\\s*\\b(${constant})\\s*=[^=]`,
  );
  return text
    .split('\n')
    .flatMap((line, index) =>
      definition.test(line) ? [`${path}:${index + 1}: defined in bpf/abi.h: ${line.trim()}`] : [],
    );
}

/** Includes for which no arrow is drawn: C++ reaches maps by descriptor, never by bpf/maps.h. */
export function includeFindings({ path, text }: SourceFile): string[] {
  if (!path.startsWith('native/')) return [];
  return text
    .split('\n')
    .flatMap((line, index) =>
      /^#include .*\b(maps\.h|\.bpf\.c)"/.test(line) ? [`${path}:${index + 1}: ${line}`] : [],
    );
}
