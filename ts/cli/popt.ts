/**
 * The option reader of popt, the library ipvsadm reads its command line with: long options are
 * spelled out in full, short ones bundle, and a word that is no option is kept for the end.
 */

/** One option: what follows it, and the name by which the caller knows it. */
export interface OptionSpec<Id extends string> {
  readonly long: string;
  readonly short?: string;
  readonly id: Id;
  readonly takes?: 'value' | 'optional value';
}

/** An option as it was found; `word` is the whole word it stood in. */
export interface FoundOption<Id extends string> {
  readonly spec: OptionSpec<Id>;
  readonly word: string;
  readonly value?: string;
}

/** A word that popt cannot read; the message is popt's. */
export class PoptError extends Error {
  override readonly name = 'PoptError';
}

/** Reads the words of one command line, an option at a time. */
export class OptionReader<Id extends string> {
  /** Words that are no options, in order; complete once `next` has returned undefined. */
  readonly rest: string[] = [];
  readonly #specs: readonly OptionSpec<Id>[];
  readonly #words: readonly string[];
  #at = 0;
  /** What is left of a bundle of short options, and the word that holds the bundle. */
  #bundle = '';
  #word = '';

  constructor(specs: readonly OptionSpec<Id>[], words: readonly string[]) {
    this.#specs = specs;
    this.#words = words;
  }

  /** The next option, or undefined after the last. Throws PoptError. */
  next(): FoundOption<Id> | undefined {
    if (this.#bundle !== '') return this.#short();
    while (this.#at < this.#words.length) {
      this.#word = this.#words[this.#at]!;
      this.#at += 1;
      if (this.#word === '--') break;
      if (this.#word.startsWith('--')) return this.#long();
      if (this.#word.startsWith('-') && this.#word !== '-') {
        this.#bundle = this.#word.slice(1);
        return this.#short();
      }
      this.rest.push(this.#word);
    }
    this.rest.push(...this.#words.slice(this.#at));
    this.#at = this.#words.length;
    return undefined;
  }

  #long(): FoundOption<Id> {
    const equals = this.#word.indexOf('=');
    const name = this.#word.slice(2, equals < 0 ? undefined : equals);
    const spec = this.#specs.find((one) => one.long === name);
    if (spec === undefined) throw this.#error('unknown option');
    return this.#found(spec, equals < 0 ? undefined : this.#word.slice(equals + 1));
  }

  #short(): FoundOption<Id> {
    const spec = this.#specs.find((one) => one.short === this.#bundle[0]);
    if (spec === undefined) throw this.#error('unknown option');
    this.#bundle = this.#bundle.slice(1);
    if (this.#bundle === '') return this.#found(spec, undefined);
    const equals = this.#bundle.startsWith('=');
    if (spec.takes === undefined && !equals) return { spec, word: this.#word };
    const value = this.#bundle.slice(equals ? 1 : 0);
    this.#bundle = '';
    return this.#found(spec, value);
  }

  /** The option with its value: the attached one, else the next word where it wants one. */
  #found(spec: OptionSpec<Id>, attached: string | undefined): FoundOption<Id> {
    const word = this.#word;
    if (spec.takes === undefined) {
      if (attached !== undefined) throw this.#error('option does not take an argument');
      return { spec, word };
    }
    if (attached !== undefined) return { spec, word, value: attached };
    const next = this.#words[this.#at];
    if (spec.takes === 'optional value' && (next === undefined || next.startsWith('-'))) {
      return { spec, word };
    }
    if (next === undefined) throw this.#error('missing argument');
    this.#at += 1;
    return { spec, word, value: next };
  }

  #error(reason: string): PoptError {
    return new PoptError(`${this.#word}: ${reason}`);
  }
}
