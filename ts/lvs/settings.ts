/** What one setting may be. */
interface Setting {
  /** min, or 0, to max. */
  readonly min?: number;
  readonly max: number;
  readonly default: number;
  /** Words for 0, 1, …, where numbers say too little. */
  readonly words?: readonly string[];
  readonly meaning: string;
}

/** What LVS can count in ticks of a millisecond. */
const MAX_EXPIRATION_S = 2_147_483;

/**
 * What can be set beside the rules: LVS's sysctls by their names and with their defaults, as far
 * as they take effect here, what a kernel's configuration says once for all, and our own.
 *
 * Source: Linux ip_vs_ctl; Documentation/networking/ipvs-sysctl.rst; IP_VS_MH_TAB_INDEX of its
 * Kconfig.
 */
export const SETTINGS = {
  conn_reuse_mode: {
    max: 3,
    default: 1,
    meaning:
      'SYN on an ended connection: 0 keeps its destination; 1 schedules anew after TIME_WAIT or ' +
      'CLOSE; 2, 3 also after FIN_WAIT where no reply is seen',
  },
  expire_nodest_conn: {
    max: 1,
    default: 0,
    meaning:
      '1: a packet of a removed destination, or a SYN to a quiesced one, ends the connection and ' +
      'is scheduled anew; 0: the former is dropped',
  },
  pmtu_disc: {
    max: 1,
    default: 1,
    meaning:
      '1: a tunnel takes on the DF flag of an IPv4 packet; 0: it has none, and routers may ' +
      'fragment what leaves in it',
  },
  expire_quiescent_template: {
    max: 1,
    default: 0,
    meaning: '1: a template whose destination is quiesced sends nobody there; 0: it goes on to',
  },
  sloppy_tcp: {
    max: 1,
    default: 0,
    meaning: '1: any segment but RST opens a TCP connection, not a SYN alone',
  },
  drop_entry: {
    max: 3,
    default: 0,
    meaning:
      'end half-open connections before their time: 0 when the table is full; 1 and 2 when it is ' +
      'nearly full, and when it is full also UDP of few packets; 3 both always',
  },
  mh_tab_index: {
    min: 8,
    max: 17,
    default: 12,
    meaning: 'slots in the tables of mh: 251, 509, 1021, 2039, 4093 (12), … 131071 (17)',
  },
  overhead: {
    min: 256,
    max: 257,
    default: 256,
    meaning:
      'inactive connections that weigh as much as an active one, to lc, wlc, lblc, lblcr and ' +
      'twos: 256; 257 as in the newest stable kernels',
  },
  lblc_expiration: {
    max: MAX_EXPIRATION_S,
    default: 86_400,
    meaning: 'seconds after which lblc forgets an address that nobody asked for',
  },
  lblcr_expiration: {
    max: MAX_EXPIRATION_S,
    default: 86_400,
    meaning:
      'seconds after which lblcr forgets an address that nobody asked for, or takes the busiest ' +
      'destination out of a set that has not changed',
  },
  syn_cookies: {
    max: 2,
    default: 1,
    words: ['off', 'auto', 'on'],
    meaning: 'answer SYNs of NAT services by cookies: off, auto under attack, on always; our own',
  },
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingName = keyof typeof SETTINGS;

/** A value for every setting. */
export type Settings = Readonly<Record<SettingName, number>>;

/** Every setting's name, in the order in which they are shown. */
export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

/** The settings of a director that was never told others. */
export const DEFAULT_SETTINGS = Object.fromEntries(
  SETTING_NAMES.map((name) => [name, SETTINGS[name].default]),
) as Settings;

/** What the setting may be, for a message. */
export function expectedOf(name: SettingName): string {
  const { min = 0, max, words }: Setting = SETTINGS[name];
  return words?.join(', ') ?? `${min} to ${max}`;
}

/** The value that a number, its digits or a word stand for; undefined where it may not be. */
export function settingValue(name: SettingName, given: unknown): number | undefined {
  const { min = 0, max, words = [] }: Setting = SETTINGS[name];
  const word = words.indexOf(String(given));
  if (word >= 0) return word;
  if (!/^\d+$/.test(String(given))) return undefined;
  return Number(given) >= min && Number(given) <= max ? Number(given) : undefined;
}

/** A setting's value as it is shown: a word, where it has words. */
export function settingText(name: SettingName, value: number): string {
  const { words }: Setting = SETTINGS[name];
  return words?.[value] ?? String(value);
}
