// Generated from bpf/abi.h by ts/native/gen_abi.ts (npm run abi). Do not edit.

/** enum limits. */
export const Limits = {
  ABI_VERSION: 1,
  MAX_SERVICES: 16384,
  MAX_DESTINATIONS: 16384,
  MAX_QUEUES: 64,
  MAX_INTERFACES: 64,
  MAX_BURST: 256,
  MAX_LINK_BYTES: 22,
} as const;

/** enum family, without FAMILY_. */
export const Family = {
  IPV4: 4,
  IPV6: 6,
} as const;

/** enum forwarding_method, without METHOD_. */
export const ForwardingMethod = {
  MASQ: 0,
  ROUTE: 1,
} as const;

/** enum connection_state, without STATE_. */
export const ConnectionState = {
  NONE: 0,
  ESTABLISHED: 1,
  SYN_SENT: 2,
  SYN_RECV: 3,
  FIN_WAIT: 4,
  TIME_WAIT: 5,
  CLOSE: 6,
  CLOSE_WAIT: 7,
  LAST_ACK: 8,
  LISTEN: 9,
  SYNACK: 10,
  UDP: 11,
  STATES: 12,
  LIVE: 256,
} as const;

/** enum verdict, without VERDICT_. */
export const Verdict = {
  FORWARDED_IN: 0,
  FORWARDED_OUT: 1,
  PASSED_NOT_IP: 2,
  PASSED_NOT_OURS: 3,
  PASSED_OTHER_PROTOCOL: 4,
  PASSED_ICMP: 5,
  PASSED_MALFORMED: 6,
  PASSED_FRAGMENT: 7,
  PASSED_NOT_SYN: 8,
  PASSED_REPLY_TTL: 9,
  RAISED_NEW: 10,
  RAISED_ROUTE: 11,
  RAISED_TTL: 12,
  RAISED_MTU: 13,
  DROPPED_HEADER_CHECKSUM: 14,
  DROPPED_FRAGMENT: 15,
  DROPPED_DESTINATION_REMOVED: 16,
  DROPPED_NO_SLOW_PATH: 17,
  DROPPED_NO_DESTINATION: 18,
  DROPPED_TABLE_FULL: 19,
  DROPPED_NO_ROUTE: 20,
  DROPPED_NEIGHBOUR: 21,
  DROPPED_TTL: 22,
  DROPPED_MTU: 23,
  DROPPED_BACKLOG: 24,
  DROPPED_TRANSMIT: 25,
  DROPPED_OVERTAKEN: 26,
  VERDICTS: 27,
  NEXT: 255,
} as const;

/** enum question, without QUESTION_. */
export const Question = {
  SCHEDULE: 0,
  ROUTE: 1,
} as const;

/** enum answer, without ANSWER_. */
export const Answer = {
  NONE: 0,
  DESTINATION: 1,
  REFUSE: 2,
  WAIT: 3,
  DROP: 4,
} as const;

/** struct address, 16 bytes. */
export const Address = {
  size: 16,
  bytes: { at: 0, count: 16, elementSize: 1 },
} as const;

/** struct flow, 40 bytes. */
export const Flow = {
  size: 40,
  saddrAt: 0,
  daddrAt: 16,
  sportAt: 32, // __be16
  sport: (view: DataView, at: number): number => view.getUint16(at + 32, false),
  setSport: (view: DataView, at: number, value: number): void =>
    view.setUint16(at + 32, value, false),
  dportAt: 34, // __be16
  dport: (view: DataView, at: number): number => view.getUint16(at + 34, false),
  setDport: (view: DataView, at: number, value: number): void =>
    view.setUint16(at + 34, value, false),
  protocolAt: 36, // __u8
  protocol: (view: DataView, at: number): number => view.getUint8(at + 36),
  setProtocol: (view: DataView, at: number, value: number): void =>
    view.setUint8(at + 36, value),
  familyAt: 37, // __u8
  family: (view: DataView, at: number): number => view.getUint8(at + 37),
  setFamily: (view: DataView, at: number, value: number): void =>
    view.setUint8(at + 37, value),
} as const;

/** struct flow_entry, 8 bytes. */
export const FlowEntry = {
  size: 8,
  slotAt: 0, // __u32
  slot: (view: DataView, at: number): number => view.getUint32(at, true),
  setSlot: (view: DataView, at: number, value: number): void =>
    view.setUint32(at, value, true),
  replyAt: 4, // __u32
  reply: (view: DataView, at: number): number => view.getUint32(at + 4, true),
  setReply: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 4, value, true),
} as const;

/** struct service_key, 20 bytes. */
export const ServiceKey = {
  size: 20,
  vaddrAt: 0,
  vportAt: 16, // __be16
  vport: (view: DataView, at: number): number => view.getUint16(at + 16, false),
  setVport: (view: DataView, at: number, value: number): void =>
    view.setUint16(at + 16, value, false),
  protocolAt: 18, // __u8
  protocol: (view: DataView, at: number): number => view.getUint8(at + 18),
  setProtocol: (view: DataView, at: number, value: number): void =>
    view.setUint8(at + 18, value),
  familyAt: 19, // __u8
  family: (view: DataView, at: number): number => view.getUint8(at + 19),
  setFamily: (view: DataView, at: number, value: number): void =>
    view.setUint8(at + 19, value),
} as const;

/** struct route, 24 bytes. */
export const Route = {
  size: 24,
  generationAt: 0, // __u32
  generation: (view: DataView, at: number): number => view.getUint32(at, true),
  setGeneration: (view: DataView, at: number, value: number): void =>
    view.setUint32(at, value, true),
  ifindexAt: 4, // __u32
  ifindex: (view: DataView, at: number): number => view.getUint32(at + 4, true),
  setIfindex: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 4, value, true),
  dmac: { at: 8, count: 6, elementSize: 1 },
  smac: { at: 14, count: 6, elementSize: 1 },
  mtuAt: 20, // __u16
  mtu: (view: DataView, at: number): number => view.getUint16(at + 20, true),
  setMtu: (view: DataView, at: number, value: number): void =>
    view.setUint16(at + 20, value, true),
} as const;

/** struct connection, 128 bytes. */
export const Connection = {
  size: 128,
  caddrAt: 0,
  vaddrAt: 16,
  daddrAt: 32,
  cportAt: 48, // __be16
  cport: (view: DataView, at: number): number => view.getUint16(at + 48, false),
  setCport: (view: DataView, at: number, value: number): void =>
    view.setUint16(at + 48, value, false),
  vportAt: 50, // __be16
  vport: (view: DataView, at: number): number => view.getUint16(at + 50, false),
  setVport: (view: DataView, at: number, value: number): void =>
    view.setUint16(at + 50, value, false),
  dportAt: 52, // __be16
  dport: (view: DataView, at: number): number => view.getUint16(at + 52, false),
  setDport: (view: DataView, at: number, value: number): void =>
    view.setUint16(at + 52, value, false),
  protocolAt: 54, // __u8
  protocol: (view: DataView, at: number): number => view.getUint8(at + 54),
  setProtocol: (view: DataView, at: number, value: number): void =>
    view.setUint8(at + 54, value),
  familyAt: 55, // __u8
  family: (view: DataView, at: number): number => view.getUint8(at + 55),
  setFamily: (view: DataView, at: number, value: number): void =>
    view.setUint8(at + 55, value),
  destinationAt: 56, // __u32
  destination: (view: DataView, at: number): number => view.getUint32(at + 56, true),
  setDestination: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 56, value, true),
  stateAt: 60, // __u32
  state: (view: DataView, at: number): number => view.getUint32(at + 60, true),
  setState: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 60, value, true),
  seenJiffiesAt: 64, // __u32
  seenJiffies: (view: DataView, at: number): number => view.getUint32(at + 64, true),
  setSeenJiffies: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 64, value, true),
  timeoutJiffiesAt: 68, // __u32
  timeoutJiffies: (view: DataView, at: number): number => view.getUint32(at + 68, true),
  setTimeoutJiffies: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 68, value, true),
  addressDeltaAt: 72, // __u16
  addressDelta: (view: DataView, at: number): number => view.getUint16(at + 72, true),
  setAddressDelta: (view: DataView, at: number, value: number): void =>
    view.setUint16(at + 72, value, true),
  transportDeltaAt: 74, // __u16
  transportDelta: (view: DataView, at: number): number => view.getUint16(at + 74, true),
  setTransportDelta: (view: DataView, at: number, value: number): void =>
    view.setUint16(at + 74, value, true),
  serviceAt: 76, // __u16
  service: (view: DataView, at: number): number => view.getUint16(at + 76, true),
  setService: (view: DataView, at: number, value: number): void =>
    view.setUint16(at + 76, value, true),
  methodAt: 78, // __u8
  method: (view: DataView, at: number): number => view.getUint8(at + 78),
  setMethod: (view: DataView, at: number, value: number): void =>
    view.setUint8(at + 78, value),
  routeInAt: 80,
  routeOutAt: 104,
} as const;

/** struct destination, 32 bytes. */
export const Destination = {
  size: 32,
  daddrAt: 0,
  dportAt: 16, // __be16
  dport: (view: DataView, at: number): number => view.getUint16(at + 16, false),
  setDport: (view: DataView, at: number, value: number): void =>
    view.setUint16(at + 16, value, false),
  methodAt: 18, // __u8
  method: (view: DataView, at: number): number => view.getUint8(at + 18),
  setMethod: (view: DataView, at: number, value: number): void =>
    view.setUint8(at + 18, value),
  familyAt: 19, // __u8
  family: (view: DataView, at: number): number => view.getUint8(at + 19),
  setFamily: (view: DataView, at: number, value: number): void =>
    view.setUint8(at + 19, value),
  availableAt: 20, // __u32
  available: (view: DataView, at: number): number => view.getUint32(at + 20, true),
  setAvailable: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 20, value, true),
  activeAt: 24, // __u32
  active: (view: DataView, at: number): number => view.getUint32(at + 24, true),
  setActive: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 24, value, true),
  inactiveAt: 28, // __u32
  inactive: (view: DataView, at: number): number => view.getUint32(at + 28, true),
  setInactive: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 28, value, true),
} as const;

/** struct counters, 64 bytes. */
export const Counters = {
  size: 64,
  connectionsAt: 0, // __u64
  connections: (view: DataView, at: number): bigint => view.getBigUint64(at, true),
  setConnections: (view: DataView, at: number, value: bigint): void =>
    view.setBigUint64(at, value, true),
  inPacketsAt: 8, // __u64
  inPackets: (view: DataView, at: number): bigint => view.getBigUint64(at + 8, true),
  setInPackets: (view: DataView, at: number, value: bigint): void =>
    view.setBigUint64(at + 8, value, true),
  outPacketsAt: 16, // __u64
  outPackets: (view: DataView, at: number): bigint => view.getBigUint64(at + 16, true),
  setOutPackets: (view: DataView, at: number, value: bigint): void =>
    view.setBigUint64(at + 16, value, true),
  inBytesAt: 24, // __u64
  inBytes: (view: DataView, at: number): bigint => view.getBigUint64(at + 24, true),
  setInBytes: (view: DataView, at: number, value: bigint): void =>
    view.setBigUint64(at + 24, value, true),
  outBytesAt: 32, // __u64
  outBytes: (view: DataView, at: number): bigint => view.getBigUint64(at + 32, true),
  setOutBytes: (view: DataView, at: number, value: bigint): void =>
    view.setBigUint64(at + 32, value, true),
} as const;

/** struct verdict_counters, 256 bytes. */
export const VerdictCounters = {
  size: 256,
  packets: { at: 0, count: 27, elementSize: 8 },
} as const;

/** struct settings, 72 bytes. */
export const Settings = {
  size: 72,
  abiVersionAt: 0, // __u32
  abiVersion: (view: DataView, at: number): number => view.getUint32(at, true),
  setAbiVersion: (view: DataView, at: number, value: number): void =>
    view.setUint32(at, value, true),
  routeGenerationAt: 4, // __u32
  routeGeneration: (view: DataView, at: number): number => view.getUint32(at + 4, true),
  setRouteGeneration: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 4, value, true),
  heartbeatJiffiesAt: 8, // __u32
  heartbeatJiffies: (view: DataView, at: number): number => view.getUint32(at + 8, true),
  setHeartbeatJiffies: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 8, value, true),
  hzAt: 12, // __u32
  hz: (view: DataView, at: number): number => view.getUint32(at + 12, true),
  setHz: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 12, value, true),
  slotsUsedAt: 16, // __u32
  slotsUsed: (view: DataView, at: number): number => view.getUint32(at + 16, true),
  setSlotsUsed: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 16, value, true),
  timeoutJiffies: { at: 24, count: 12, elementSize: 4 },
} as const;

/** struct clock, 16 bytes. */
export const Clock = {
  size: 16,
  jiffiesAt: 0, // __u64
  jiffies: (view: DataView, at: number): bigint => view.getBigUint64(at, true),
  setJiffies: (view: DataView, at: number, value: bigint): void =>
    view.setBigUint64(at, value, true),
  hzAt: 8, // __u32
  hz: (view: DataView, at: number): number => view.getUint32(at + 8, true),
  setHz: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 8, value, true),
} as const;

/** struct flow_record, 72 bytes. */
export const FlowRecord = {
  size: 72,
  flowAt: 0,
  targetAt: 40,
  serviceAt: 56, // __u32
  service: (view: DataView, at: number): number => view.getUint32(at + 56, true),
  setService: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 56, value, true),
  ingressIfindexAt: 60, // __u32
  ingressIfindex: (view: DataView, at: number): number => view.getUint32(at + 60, true),
  setIngressIfindex: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 60, value, true),
  questionAt: 64, // __u8
  question: (view: DataView, at: number): number => view.getUint8(at + 64),
  setQuestion: (view: DataView, at: number, value: number): void =>
    view.setUint8(at + 64, value),
  activeAt: 65, // __u8
  active: (view: DataView, at: number): number => view.getUint8(at + 65),
  setActive: (view: DataView, at: number, value: number): void =>
    view.setUint8(at + 65, value),
  duplicateAt: 66, // __u8
  duplicate: (view: DataView, at: number): number => view.getUint8(at + 66),
  setDuplicate: (view: DataView, at: number, value: number): void =>
    view.setUint8(at + 66, value),
  answerAt: 67, // __u8
  answer: (view: DataView, at: number): number => view.getUint8(at + 67),
  setAnswer: (view: DataView, at: number, value: number): void =>
    view.setUint8(at + 67, value),
  destinationAt: 68, // __u32
  destination: (view: DataView, at: number): number => view.getUint32(at + 68, true),
  setDestination: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 68, value, true),
} as const;
