import { z } from 'zod';

/** A value that is not of the shape it should be. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
  /** Where in the value, as in services[2].weight; empty is the value itself. */
  readonly path: string;
  readonly expected: string;
  readonly received: string;

  constructor(path: string, expected: string, received: string) {
    super(`${path === '' ? '' : `${path}: `}expected ${expected}, received ${received}`);
    this.path = path;
    this.expected = expected;
    this.received = received;
  }
}

/** The value as the schema makes it. Throws ShapeError for the first thing that is wrong. */
export function parseShape<Shape>(schema: z.ZodType<Shape>, value: unknown): Shape {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const issue = error.issues[0]!;
  if (issue.code === 'unrecognized_keys') {
    const path = [...issue.path, issue.keys[0]!];
    throw new ShapeError(pathText(path), 'no such key', shown(valueAt(value, path)));
  }
  throw new ShapeError(pathText(issue.path), expectedBy(issue), shown(valueAt(value, issue.path)));
}

/** Whole numbers from min to max. */
export function integer(min: number, max: number): z.ZodType<number> {
  return z.custom<number>(
    (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
    `${min} to ${max}`,
  );
}

function expectedBy(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected;
    case 'invalid_value':
      return issue.values.join(' or ');
    case 'invalid_union':
      return 'options' in issue ? (issue.options as string[]).join(' or ') : issue.message;
    default:
      return issue.message;
  }
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '');
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce(
    (at: unknown, step) => (at as Record<PropertyKey, unknown> | undefined)?.[step],
    value,
  );
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
