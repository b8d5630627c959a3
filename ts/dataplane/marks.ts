import { LvsError } from '../lvs/error.ts';
import { compileMarks, STEP_WORDS } from '../lvs/marks/program.ts';
import type { MarkRule } from '../lvs/marks/rule.ts';
import { Settings } from '../native/abi.gen.ts';

/** Packets of every address go on to the rules: because of the rules, or of former ones. */
const WIDE = 1;
const FORMERLY_WIDE = 2;

/** Who holds the addresses that are exactly a rule's. */
export interface MarkedAddresses {
  holdMarked(addresses: ReadonlySet<string>): void;
}

/**
 * The rules of firewall marks in the data plane: compiled into the half of the memory that is not
 * in use, which is then named by a single write.
 *
 * Packets get to the rules only where their address may be meant (bpf/director.h): an address that
 * a rule names exactly becomes ours; where a rule names none, or a prefix, all are let through.
 * Connections outlive the rules that marked them: when some go all are let through as well, until
 * no destination of a mark's service is left.
 */
export class Marks {
  readonly #settings: DataView;
  readonly #steps: Uint32Array;
  readonly #addresses: MarkedAddresses;
  #rules: readonly MarkRule[] = [];
  #interfaces: ReadonlyMap<string, number> = new Map();
  #exact: ReadonlySet<string> = new Set();
  /** False as long as the memory may hold an earlier daemon's rules. */
  #begun = false;
  /** Services, and destinations, of marks. */
  readonly #services = new Set<number>();
  readonly #destinations = new Set<number>();

  constructor(settings: ArrayBuffer, steps: ArrayBuffer, addresses: MarkedAddresses) {
    this.#settings = new DataView(settings);
    this.#steps = new Uint32Array(steps);
    this.#addresses = addresses;
  }

  /** Puts rules in the place of all. Throws LvsError TABLE_FULL, and nothing has changed. */
  set(rules: readonly MarkRule[]): void {
    this.#publish(rules);
    const before = this.#exact;
    this.#rules = rules;
    this.#exact = new Set(rules.flatMap(addressOf));
    const loses = this.#isWide && !rules.some(isWide);
    if (loses || [...before].some((address) => !this.#exact.has(address))) this.#remember();
    this.#addresses.holdMarked(this.#exact);
    this.#begun = true;
    this.#widen();
  }

  /** Says which interfaces there are; rules that name some mean these from now on. */
  setInterfaces(links: Iterable<{ readonly name: string; readonly ifindex: number }>): void {
    const before = this.#interfaces;
    this.#interfaces = new Map(Array.from(links, ({ name, ifindex }) => [name, ifindex]));
    const isSame =
      before.size === this.#interfaces.size &&
      [...before].every(([name, ifindex]) => this.#interfaces.get(name) === ifindex);
    if (!isSame && this.#rules.some((rule) => rule.interface)) this.#publish(this.#rules);
  }

  /** A mark's service, or a destination of one, is there from now on, or no more. */
  note(kind: 'service' | 'destination', index: number, present: boolean): void {
    const holders = kind === 'service' ? this.#services : this.#destinations;
    if (present) holders.add(index);
    else holders.delete(index);
    this.#widen();
  }

  /** Writes the program, and says that it holds. */
  #publish(rules: readonly MarkRule[]): void {
    const generation = Number(Settings.marks(this.#settings, 0) >> 32n) + 1;
    const half = this.#steps.length / STEP_WORDS / 2;
    // Step 0 is none.
    const place = { base: (generation % 2) * half + 1, room: half - 1 };
    const program = compileMarks(rules, this.#interfaces, place);
    if (program === undefined) {
      throw new LvsError('TABLE_FULL', `expected mark rules of up to ${place.room} steps`);
    }
    this.#steps.set(program.words, program.start * STEP_WORDS);
    const marks = (BigInt(generation % 2 ** 32) << 32n) | BigInt(program.start);
    Settings.setMarks(this.#settings, 0, marks);
  }

  get #isWide(): boolean {
    return (Settings.marksWide(this.#settings, 0) & WIDE) !== 0;
  }

  /** Connections may be there of what the rules do not mean any more. */
  #remember(): void {
    Settings.setMarksWide(this.#settings, 0, Settings.marksWide(this.#settings, 0) | FORMERLY_WIDE);
  }

  #widen(): void {
    if (!this.#begun) return;
    const wide = this.#services.size > 0 && this.#rules.some(isWide) ? WIDE : 0;
    const formerly = Settings.marksWide(this.#settings, 0) & FORMERLY_WIDE;
    const held = this.#destinations.size > 0 ? formerly : 0;
    Settings.setMarksWide(this.#settings, 0, wide | held);
  }
}

/** The address that a rule is for, where it is for one only. */
function addressOf({ destination, set }: MarkRule): string[] {
  if (set === undefined || destination === undefined || destination.not) return [];
  const [address = '', length] = destination.is.split('/');
  return Number(length) === (address.includes(':') ? 128 : 32) ? [address] : [];
}

function isWide(rule: MarkRule): boolean {
  return rule.set !== undefined && addressOf(rule).length === 0;
}
