import { parseSync } from 'oxc-parser';

/** Limits of size, and habits, that hold in every file; each finding is one line of text. */
export const limits = {
  fileLines: 500,
  functionLines: 70,
  columns: 100,
  parameters: 4,
  nesting: 3,
};

/** A syntax node, as far as the rules look into it. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** A file of this repository: its path from the root, its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** What is wrong with the text, whatever its language. A tab is eight columns wide. */
export function textFindings({ path, text }: SourceFile): string[] {
  const lines = text.split('\n');
  const found: string[] = [];
  if (lines.length - 1 > limits.fileLines) {
    found.push(`${path}: expected at most ${limits.fileLines} lines, received ${lines.length - 1}`);
  }
  lines.forEach((line, index) => {
    const at = `${path}:${index + 1}`;
    const columns = line.replaceAll('\t', ' '.repeat(8)).length;
    if (columns > limits.columns) found.push(`${at}: ${columns} columns`);
    if (/\b(TO[D]O|FIX[M]E)\b(?!.*#\d)/.test(line)) found.push(`${at}: open work without an issue`);
  });
  return found;
}

/** What is wrong with the shape of a TypeScript file. */
export function shapeFindings(file: SourceFile): string[] {
  const program = parse(file);
  const found: string[] = [];
  const report = (node: Node, text: string) =>
    found.push(`${file.path}:${lineOf(file, node.start)}: ${text}`);

  walk(program, [], (node, parents) => {
    if (node.type === 'ExportDefaultDeclaration') report(node, 'default export');
    if (!isFunction(node)) return;
    const parameters = (node.params as readonly Node[]).length;
    const lines = lineOf(file, node.end) - lineOf(file, node.start) + 1;
    const depth = nesting(node.body as Node | null);
    if (parameters > limits.parameters) report(node, `${parameters} parameters`);
    if (depth > limits.nesting) report(node, `${depth} levels of nesting`);
    if (lines > limits.functionLines && !isGroupOfTests(parents)) report(node, `${lines} lines`);
  });
  if (isBarrel(program)) found.push(`${file.path}: nothing but exports of other files`);
  return found;
}

/** The file's syntax tree; an unreadable file throws. */
export function parse(file: SourceFile): Node {
  const { program, errors } = parseSync(file.path, file.text);
  if (errors.length > 0) throw new Error(`${file.path}: ${errors[0]?.message}`);
  return program as unknown as Node;
}

/** Visits a node and all below it, with the way down to each. */
export function walk(
  node: Node,
  parents: readonly Node[],
  visit: (node: Node, parents: readonly Node[]) => void,
): void {
  visit(node, parents);
  for (const child of children(node)) walk(child, [...parents, node], visit);
}

function children(node: Node): readonly Node[] {
  return Object.values(node).flat().filter(isNode);
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}

/** The line, from 1, on which an offset into the text lies. */
export function lineOf({ text }: SourceFile, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

const functions = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);

function isFunction(node: Node): boolean {
  return functions.has(node.type);
}

// describe(…, () => { … }) holds functions, and is none itself.
function isGroupOfTests(parents: readonly Node[]): boolean {
  const call = parents.at(-1);
  if (call?.type !== 'CallExpression') return false;
  let callee = call.callee as Node;
  while (callee.type !== 'Identifier') {
    const inner = callee.object ?? callee.callee ?? callee.tag;
    if (!isNode(inner)) return false;
    callee = inner;
  }
  return callee.name === 'describe';
}

const branches = /^(If|For|ForIn|ForOf|While|DoWhile|Switch|Try)Statement$/;

/** How deep branches and loops stand within each other; `else if` goes no deeper. */
function nesting(node: Node | null, elseIf = false): number {
  if (!node || isFunction(node)) return 0;
  const inner = children(node).map((child) =>
    nesting(child, node.type === 'IfStatement' && node.alternate === child),
  );
  const own = branches.test(node.type) && !(elseIf && node.type === 'IfStatement') ? 1 : 0;
  return own + Math.max(0, ...inner);
}

function isBarrel(program: Node): boolean {
  const body = program.body as readonly Node[];
  const passedOn = (node: Node) => node.type.startsWith('Export') && isNode(node.source);
  return body.length > 0 && body.every(passedOn);
}
