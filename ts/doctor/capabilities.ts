/** Bit numbers of the capabilities that matter here. Source: linux/capability.h. */
const bits = {
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_IPC_LOCK: 14,
  CAP_SYS_ADMIN: 21,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
} as const;

/** A capability that xlvs makes use of. */
export type Capability = keyof typeof bits;

const names = Object.keys(bits) as Capability[];

/** What the director cannot do without. */
const required: readonly Capability[] = ['CAP_BPF', 'CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_PERFMON'];

/** The capabilities in force, read from the text of /proc/self/status. */
export function effectiveCapabilities(status: string): readonly Capability[] {
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return names.filter((name) => (mask >> BigInt(bits[name])) & 1n);
}

/** The required capabilities not held; CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON. */
export function missingCapabilities(held: readonly Capability[]): readonly Capability[] {
  const stands = (name: Capability) => name === 'CAP_BPF' || name === 'CAP_PERFMON';
  const admin = held.includes('CAP_SYS_ADMIN');
  return required.filter((name) => !held.includes(name) && !(admin && stands(name)));
}
