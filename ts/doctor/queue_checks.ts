import type { Facts, InterfaceFacts } from './facts.ts';
import type { Finding } from './finding.ts';

/**
 * What decides how packets spread over the CPUs, and how many may wait: queues, the hash that
 * chooses among them (RSS), rings. None of it keeps xlvs from working.
 */
export function checkReception(
  facts: InterfaceFacts,
  { cpus }: Pick<Facts['kernel'], 'cpus'>,
): readonly Finding[] {
  const found = [
    checkQueueCount(facts, cpus),
    checkSpread(facts),
    checkRings(facts),
    checkVlan(facts),
  ];
  return found.filter((finding) => finding !== undefined);
}

function checkQueueCount(
  { name, kind, channels }: InterfaceFacts,
  cpus: number,
): Finding | undefined {
  const best = Math.min(cpus, channels?.max ?? 0);
  if (channels === undefined || channels.now >= best) return undefined;
  return {
    // On a veth the queue follows the CPU that sends.
    level: kind === 'veth' ? 'note' : 'warning',
    subject: name,
    found: `receives by ${channels.now} of ${channels.max} queues: not every CPU gets packets`,
    advice: `ethtool -L ${name} ${channels.option} ${best}`,
  };
}

/** A key whose two-byte pattern repeats gives both directions of a flow the same hash. */
const SYMMETRIC = '6d:5a';

function checkSpread({ name, rss, receiveQueues }: InterfaceFacts): Finding | undefined {
  if (rss === undefined || receiveQueues < 2) return undefined;
  if (rss.symmetric || isPeriodic(rss.key)) {
    return { level: 'ok', subject: name, found: `RSS is symmetric (${rss.function})` };
  }
  const key = Array(Math.ceil(rss.key.length / 6))
    .fill(SYMMETRIC)
    .join(':')
    .slice(0, rss.key.length);
  return {
    level: 'note',
    subject: name,
    found: 'RSS is not symmetric: requests and replies reach two CPUs, which share a connection',
    advice:
      `ethtool -X ${name} hkey ${key}, and with NAT hash the client's end alone: ` +
      `ethtool -N ${name} rx-flow-hash tcp4 sf towards clients, dn towards real servers`,
  };
}

function isPeriodic(key: string): boolean {
  const bytes = key.split(':');
  return bytes.length > 1 && bytes.every((byte, i) => byte === bytes[i % 2]);
}

/** So many frames may come while a CPU is away for a millisecond, at a million a second. */
const RING = 1024;

function checkRings({ name, ring }: InterfaceFacts): Finding | undefined {
  if (ring === undefined || ring.now >= Math.min(RING, ring.max)) return undefined;
  return {
    level: 'warning',
    subject: name,
    found: `receive ring of ${ring.now} frames: bursts are lost in the card, uncounted here`,
    advice: `ethtool -G ${name} rx ${Math.min(RING, ring.max)}`,
  };
}

function checkVlan({ name, kind, features }: InterfaceFacts): Finding | undefined {
  const stripping = features.get('rx-vlan-offload');
  // A veth keeps the tags in the frames that XDP sees.
  if (!stripping?.on || kind === 'veth') return undefined;
  const found = 'rx-vlan-offload takes VLAN tags from frames before XDP can read them';
  if (stripping.fixed) {
    const advice = `it cannot be turned off: keep tagged traffic of services off ${name}`;
    return { level: 'note', subject: name, found, advice };
  }
  return { level: 'warning', subject: name, found, advice: `ethtool -K ${name} rxvlan off` };
}
