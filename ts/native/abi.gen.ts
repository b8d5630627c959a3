// Generated from bpf/abi.h by ts/native/gen_abi.ts (npm run abi). Do not edit.

/** enum limits. */
export const Limits = {
  ABI_VERSION: 6,
  MAX_SERVICES: 16384,
  MAX_DESTINATIONS: 131072,
  WAYS: 7,
  MAX_SPILL: 256,
  ADDRESS_WORDS: 65536,
  LEAST_ADDRESS_WORDS: 256,
  MAX_NEXT_HOPS: 16384,
  OWN_NEXT_HOPS: 1024,
  STATION_LINES: 1024,
  STATIONS_PER_LINE: 4,
  TICKETS_PER_LINE: 16,
  HASH_KEYS: 8,
  MAX_QUEUES: 64,
  MAX_INTERFACES: 64,
  MAX_BURST: 256,
  MAX_LINK_BYTES: 22,
  CAPTURE_TERMS: 16,
  CAPTURE_ALTERNATIVES: 16,
  CAPTURE_BYTES: 9216,
  CAPTURE_RING_BYTES: 4194304,
} as const;

/** enum family, without FAMILY_. */
export const Family = {
  IPV4: 4,
  IPV6: 6,
  TEMPLATE: 8,
} as const;

/** enum forwarding_method, without METHOD_. */
export const ForwardingMethod = {
  MASQ: 0,
  ROUTE: 1,
  TUNNEL: 2,
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
  ASSURED: 12,
  UDP_UNANSWERED: 13,
  STATES: 14,
  STATES_ROOM: 16,
} as const;

/** enum slot_phase, without SLOT_. */
export const SlotPhase = {
  STATE: 127,
  COOKIE: 128,
  PHASE: 768,
  FREE: 0,
  CLAIMED: 256,
  OPENING: 512,
  LIVE: 768,
  LIFE: 1024,
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
  PASSED_OTHER_HOST: 10,
  RAISED_NEW: 11,
  RAISED_ROUTE: 12,
  RAISED_TTL: 13,
  RAISED_MTU: 14,
  DROPPED_HEADER_CHECKSUM: 15,
  DROPPED_FRAGMENT: 16,
  DROPPED_DESTINATION_REMOVED: 17,
  DROPPED_NO_SLOW_PATH: 18,
  DROPPED_NO_DESTINATION: 19,
  DROPPED_TABLE_FULL: 20,
  DROPPED_NO_ROUTE: 21,
  DROPPED_NEIGHBOUR: 22,
  DROPPED_TTL: 23,
  DROPPED_MTU: 24,
  DROPPED_BACKLOG: 25,
  DROPPED_TRANSMIT: 26,
  DROPPED_OVERTAKEN: 27,
  ANSWERED_COOKIE: 28,
  FORWARDED_COOKIE: 29,
  DROPPED_COOKIE: 30,
  DROPPED_TUNNEL: 31,
  VERDICTS: 32,
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
  AGAIN: 5,
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

/** enum address_role, without ADDRESS_. */
export const AddressRole = {
  VIRTUAL: 1,
  DESTINATION: 2,
} as const;

/** struct station_line, 32 bytes. */
export const StationLine = {
  size: 32,
  station: { at: 0, count: 4, elementSize: 8 },
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

/** struct connection, 64 bytes. */
export const Connection = {
  size: 64,
  caddrAt: 0, // __be32
  caddr: (view: DataView, at: number): number => view.getUint32(at, false),
  setCaddr: (view: DataView, at: number, value: number): void =>
    view.setUint32(at, value, false),
  cportAt: 4, // __be16
  cport: (view: DataView, at: number): number => view.getUint16(at + 4, false),
  setCport: (view: DataView, at: number, value: number): void =>
    view.setUint16(at + 4, value, false),
  protocolAt: 6, // __u8
  protocol: (view: DataView, at: number): number => view.getUint8(at + 6),
  setProtocol: (view: DataView, at: number, value: number): void =>
    view.setUint8(at + 6, value),
  familyAt: 7, // __u8
  family: (view: DataView, at: number): number => view.getUint8(at + 7),
  setFamily: (view: DataView, at: number, value: number): void =>
    view.setUint8(at + 7, value),
  vaddrAt: 8, // __be32
  vaddr: (view: DataView, at: number): number => view.getUint32(at + 8, false),
  setVaddr: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 8, value, false),
  vportAt: 12, // __be16
  vport: (view: DataView, at: number): number => view.getUint16(at + 12, false),
  setVport: (view: DataView, at: number, value: number): void =>
    view.setUint16(at + 12, value, false),
  addressDeltaAt: 14, // __u16
  addressDelta: (view: DataView, at: number): number => view.getUint16(at + 14, true),
  setAddressDelta: (view: DataView, at: number, value: number): void =>
    view.setUint16(at + 14, value, true),
  inPacketsAt: 16, // __u32
  inPackets: (view: DataView, at: number): number => view.getUint32(at + 16, true),
  setInPackets: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 16, value, true),
  methodAt: 20, // __u8
  method: (view: DataView, at: number): number => view.getUint8(at + 20),
  setMethod: (view: DataView, at: number, value: number): void =>
    view.setUint8(at + 20, value),
  flagsAt: 21, // __u8
  flags: (view: DataView, at: number): number => view.getUint8(at + 21),
  setFlags: (view: DataView, at: number, value: number): void =>
    view.setUint8(at + 21, value),
  windowShiftInAt: 22, // __s8
  windowShiftIn: (view: DataView, at: number): number => view.getInt8(at + 22),
  setWindowShiftIn: (view: DataView, at: number, value: number): void =>
    view.setInt8(at + 22, value),
  windowShiftOutAt: 23, // __s8
  windowShiftOut: (view: DataView, at: number): number => view.getInt8(at + 23),
  setWindowShiftOut: (view: DataView, at: number, value: number): void =>
    view.setInt8(at + 23, value),
  stateAt: 24, // __u32
  state: (view: DataView, at: number): number => view.getUint32(at + 24, true),
  setState: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 24, value, true),
  seenJiffiesAt: 28, // __u32
  seenJiffies: (view: DataView, at: number): number => view.getUint32(at + 28, true),
  setSeenJiffies: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 28, value, true),
  timeoutJiffiesAt: 32, // __u32
  timeoutJiffies: (view: DataView, at: number): number => view.getUint32(at + 32, true),
  setTimeoutJiffies: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 32, value, true),
  destinationAt: 36, // __u32
  destination: (view: DataView, at: number): number => view.getUint32(at + 36, true),
  setDestination: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 36, value, true),
  routeGenerationAt: 40, // __u32
  routeGeneration: (view: DataView, at: number): number => view.getUint32(at + 40, true),
  setRouteGeneration: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 40, value, true),
  hopInAt: 44, // __u16
  hopIn: (view: DataView, at: number): number => view.getUint16(at + 44, true),
  setHopIn: (view: DataView, at: number, value: number): void =>
    view.setUint16(at + 44, value, true),
  hopOutAt: 46, // __u16
  hopOut: (view: DataView, at: number): number => view.getUint16(at + 46, true),
  setHopOut: (view: DataView, at: number, value: number): void =>
    view.setUint16(at + 46, value, true),
  daddrAt: 48, // __be32
  daddr: (view: DataView, at: number): number => view.getUint32(at + 48, false),
  setDaddr: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 48, value, false),
  dportAt: 52, // __be16
  dport: (view: DataView, at: number): number => view.getUint16(at + 52, false),
  setDport: (view: DataView, at: number, value: number): void =>
    view.setUint16(at + 52, value, false),
  transportDeltaAt: 54, // __u16
  transportDelta: (view: DataView, at: number): number => view.getUint16(at + 54, true),
  setTransportDelta: (view: DataView, at: number, value: number): void =>
    view.setUint16(at + 54, value, true),
  sequenceDeltaAt: 56, // __u32
  sequenceDelta: (view: DataView, at: number): number => view.getUint32(at + 56, true),
  setSequenceDelta: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 56, value, true),
  timestampDeltaAt: 60, // __u32
  timestampDelta: (view: DataView, at: number): number => view.getUint32(at + 60, true),
  setTimestampDelta: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 60, value, true),
} as const;

/** enum connection_flag, without FLAG_. */
export const ConnectionFlag = {
  COOKIE_OPENING: 1,
  COOKIE: 2,
  CONTROLLED: 4,
} as const;

/** struct connection_addresses, 64 bytes. */
export const ConnectionAddresses = {
  size: 64,
  caddrAt: 0,
  stateAt: 24, // __u32
  state: (view: DataView, at: number): number => view.getUint32(at + 24, true),
  setState: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 24, value, true),
  padStateAt: 28, // __u32
  padState: (view: DataView, at: number): number => view.getUint32(at + 28, true),
  setPadState: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 28, value, true),
  vaddrAt: 32,
  daddrAt: 48,
} as const;

/** struct destination, 64 bytes. */
export const Destination = {
  size: 64,
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
  weightAt: 24, // __u32
  weight: (view: DataView, at: number): number => view.getUint32(at + 24, true),
  setWeight: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 24, value, true),
  upperAt: 28, // __u32
  upper: (view: DataView, at: number): number => view.getUint32(at + 28, true),
  setUpper: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 28, value, true),
  lowerAt: 32, // __u32
  lower: (view: DataView, at: number): number => view.getUint32(at + 32, true),
  setLower: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 32, value, true),
  overloadedAt: 36, // __u32
  overloaded: (view: DataView, at: number): number => view.getUint32(at + 36, true),
  setOverloaded: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 36, value, true),
  routeGenerationAt: 40, // __u32
  routeGeneration: (view: DataView, at: number): number => view.getUint32(at + 40, true),
  setRouteGeneration: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 40, value, true),
  hopAt: 44, // __u32
  hop: (view: DataView, at: number): number => view.getUint32(at + 44, true),
  setHop: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 44, value, true),
  activeAt: 48, // __u32
  active: (view: DataView, at: number): number => view.getUint32(at + 48, true),
  setActive: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 48, value, true),
  inactiveAt: 52, // __u32
  inactive: (view: DataView, at: number): number => view.getUint32(at + 52, true),
  setInactive: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 52, value, true),
  tunnelAt: 56, // __u8
  tunnel: (view: DataView, at: number): number => view.getUint8(at + 56),
  setTunnel: (view: DataView, at: number, value: number): void =>
    view.setUint8(at + 56, value),
  tunnelChecksumAt: 57, // __u8
  tunnelChecksum: (view: DataView, at: number): number => view.getUint8(at + 57),
  setTunnelChecksum: (view: DataView, at: number, value: number): void =>
    view.setUint8(at + 57, value),
  tunnelPortAt: 58, // __be16
  tunnelPort: (view: DataView, at: number): number => view.getUint16(at + 58, false),
  setTunnelPort: (view: DataView, at: number, value: number): void =>
    view.setUint16(at + 58, value, false),
  persistentAt: 60, // __u32
  persistent: (view: DataView, at: number): number => view.getUint32(at + 60, true),
  setPersistent: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 60, value, true),
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
  removedAt: 40, // __u32
  removed: (view: DataView, at: number): number => view.getUint32(at + 40, true),
  setRemoved: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 40, value, true),
  padRemovedAt: 44, // __u32
  padRemoved: (view: DataView, at: number): number => view.getUint32(at + 44, true),
  setPadRemoved: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 44, value, true),
} as const;

/** struct verdict_counters, 256 bytes. */
export const VerdictCounters = {
  size: 256,
  packets: { at: 0, count: 32, elementSize: 8 },
} as const;

/** enum other_ports, without PORTS_. */
export const OtherPorts = {
  OF_FTP: 1,
  ALL: 2,
} as const;

/** enum relief, without RELIEF_. */
export const Relief = {
  NONE: 0,
  HALF_OPEN: 1,
  ONE_SIDED: 2,
} as const;

/** struct settings, 224 bytes. */
export const Settings = {
  size: 224,
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
  bucketsAt: 16, // __u32
  buckets: (view: DataView, at: number): number => view.getUint32(at + 16, true),
  setBuckets: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 16, value, true),
  destinationsAt: 20, // __u32
  destinations: (view: DataView, at: number): number => view.getUint32(at + 20, true),
  setDestinations: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 20, value, true),
  captureAt: 24, // __u32
  capture: (view: DataView, at: number): number => view.getUint32(at + 24, true),
  setCapture: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 24, value, true),
  synCookiesAt: 28, // __u32
  synCookies: (view: DataView, at: number): number => view.getUint32(at + 28, true),
  setSynCookies: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 28, value, true),
  timeoutJiffies: { at: 32, count: 16, elementSize: 4 },
  hashKeys: { at: 96, count: 8, elementSize: 8 },
  connReuseModeAt: 160, // __u32
  connReuseMode: (view: DataView, at: number): number => view.getUint32(at + 160, true),
  setConnReuseMode: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 160, value, true),
  expireNodestConnAt: 164, // __u32
  expireNodestConn: (view: DataView, at: number): number => view.getUint32(at + 164, true),
  setExpireNodestConn: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 164, value, true),
  sloppyTcpAt: 168, // __u32
  sloppyTcp: (view: DataView, at: number): number => view.getUint32(at + 168, true),
  setSloppyTcp: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 168, value, true),
  dropEntryAt: 172, // __u32
  dropEntry: (view: DataView, at: number): number => view.getUint32(at + 172, true),
  setDropEntry: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 172, value, true),
  reliefAt: 176, // __u32
  relief: (view: DataView, at: number): number => view.getUint32(at + 176, true),
  setRelief: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 176, value, true),
  attackedJiffiesAt: 180, // __u32
  attackedJiffies: (view: DataView, at: number): number => view.getUint32(at + 180, true),
  setAttackedJiffies: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 180, value, true),
  ownStationsOnlyAt: 184, // __u32
  ownStationsOnly: (view: DataView, at: number): number => view.getUint32(at + 184, true),
  setOwnStationsOnly: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 184, value, true),
  keeperAt: 188, // __u32
  keeper: (view: DataView, at: number): number => view.getUint32(at + 188, true),
  setKeeper: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 188, value, true),
  addressWordsAt: 192, // __u32
  addressWords: (view: DataView, at: number): number => view.getUint32(at + 192, true),
  setAddressWords: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 192, value, true),
  pmtuDiscAt: 196, // __u32
  pmtuDisc: (view: DataView, at: number): number => view.getUint32(at + 196, true),
  setPmtuDisc: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 196, value, true),
  expireQuiescentTemplateAt: 200, // __u32
  expireQuiescentTemplate: (view: DataView, at: number): number => view.getUint32(at + 200, true),
  setExpireQuiescentTemplate: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 200, value, true),
  otherPortsAt: 204, // __u32
  otherPorts: (view: DataView, at: number): number => view.getUint32(at + 204, true),
  setOtherPorts: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 204, value, true),
  marksWideAt: 208, // __u32
  marksWide: (view: DataView, at: number): number => view.getUint32(at + 208, true),
  setMarksWide: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 208, value, true),
  marksAt: 216, // __u64
  marks: (view: DataView, at: number): bigint => view.getBigUint64(at + 216, true),
  setMarks: (view: DataView, at: number, value: bigint): void =>
    view.setBigUint64(at + 216, value, true),
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

/** struct flow_record, 76 bytes. */
export const FlowRecord = {
  size: 76,
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
  targetFamilyAt: 72, // __u32
  targetFamily: (view: DataView, at: number): number => view.getUint32(at + 72, true),
  setTargetFamily: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 72, value, true),
} as const;

/** enum egress, without EGRESS_. */
export const Egress = {
  IFINDEX: 1073741823,
  TRANSMIT: 1073741824,
} as const;

/** struct interface, 8 bytes. */
export const Interface = {
  size: 8,
  slotAt: 0, // __u32
  slot: (view: DataView, at: number): number => view.getUint32(at, true),
  setSlot: (view: DataView, at: number, value: number): void =>
    view.setUint32(at, value, true),
  egressAt: 4, // __u32
  egress: (view: DataView, at: number): number => view.getUint32(at + 4, true),
  setEgress: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 4, value, true),
} as const;

/** struct next_hop, 64 bytes. */
export const NextHop = {
  size: 64,
  keyAt: 0, // __u64
  key: (view: DataView, at: number): bigint => view.getBigUint64(at, true),
  setKey: (view: DataView, at: number, value: bigint): void =>
    view.setBigUint64(at, value, true),
  dmac: { at: 8, count: 6, elementSize: 1 },
  smac: { at: 14, count: 6, elementSize: 1 },
  mtuAt: 20, // __u32
  mtu: (view: DataView, at: number): number => view.getUint32(at + 20, true),
  setMtu: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 20, value, true),
  saddrAt: 24,
  daddrAt: 40,
  familyAt: 56, // __u8
  family: (view: DataView, at: number): number => view.getUint8(at + 56),
  setFamily: (view: DataView, at: number, value: number): void =>
    view.setUint8(at + 56, value),
  tunnelAt: 57, // __u8
  tunnel: (view: DataView, at: number): number => view.getUint8(at + 57),
  setTunnel: (view: DataView, at: number, value: number): void =>
    view.setUint8(at + 57, value),
  tunnelChecksumAt: 58, // __u8
  tunnelChecksum: (view: DataView, at: number): number => view.getUint8(at + 58),
  setTunnelChecksum: (view: DataView, at: number, value: number): void =>
    view.setUint8(at + 58, value),
  tunnelPortAt: 60, // __be16
  tunnelPort: (view: DataView, at: number): number => view.getUint16(at + 60, false),
  setTunnelPort: (view: DataView, at: number, value: number): void =>
    view.setUint16(at + 60, value, false),
  padPortAt: 62, // __u16
  padPort: (view: DataView, at: number): number => view.getUint16(at + 62, true),
  setPadPort: (view: DataView, at: number, value: number): void =>
    view.setUint16(at + 62, value, true),
} as const;

/** enum tunnel_kind, without TUNNEL_. */
export const TunnelKind = {
  IPIP: 0,
  GUE: 1,
  GRE: 2,
} as const;

/** struct schedule_mark, 20 bytes. */
export const ScheduleMark = {
  size: 20,
  editionAt: 0, // __u32
  edition: (view: DataView, at: number): number => view.getUint32(at, true),
  setEdition: (view: DataView, at: number, value: number): void =>
    view.setUint32(at, value, true),
  placeAt: 4, // __u32
  place: (view: DataView, at: number): number => view.getUint32(at + 4, true),
  setPlace: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 4, value, true),
  cursor: { at: 8, count: 3, elementSize: 4 },
} as const;

/** enum table_kind, without TABLE_. */
export const TableKind = {
  SIPHASH: 1,
  VIRTUAL: 2,
  PORT: 4,
  FALLBACK: 8,
  WIDE: 16,
  RESERVE: 32,
} as const;

/** struct table, 20 bytes. */
export const Table = {
  size: 20,
  slotsAt: 0, // __u32
  slots: (view: DataView, at: number): number => view.getUint32(at, true),
  setSlots: (view: DataView, at: number, value: number): void =>
    view.setUint32(at, value, true),
  membersAt: 4, // __u32
  members: (view: DataView, at: number): number => view.getUint32(at + 4, true),
  setMembers: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 4, value, true),
  kindAt: 8, // __u32
  kind: (view: DataView, at: number): number => view.getUint32(at + 8, true),
  setKind: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 8, value, true),
  slotsLineAt: 12, // __u32
  slotsLine: (view: DataView, at: number): number => view.getUint32(at + 12, true),
  setSlotsLine: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 12, value, true),
  membersLineAt: 16, // __u32
  membersLine: (view: DataView, at: number): number => view.getUint32(at + 16, true),
  setMembersLine: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 16, value, true),
} as const;

/** enum refill, without REFILL_. */
export const Refill = {
  AT: 1,
  WANTED: 2,
} as const;

/** struct schedule, 128 bytes. */
export const Schedule = {
  size: 128,
  ringLineAt: 0, // __u32
  ringLine: (view: DataView, at: number): number => view.getUint32(at, true),
  setRingLine: (view: DataView, at: number, value: number): void =>
    view.setUint32(at, value, true),
  ringMaskAt: 4, // __u32
  ringMask: (view: DataView, at: number): number => view.getUint32(at + 4, true),
  setRingMask: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 4, value, true),
  reusableAt: 8, // __u32
  reusable: (view: DataView, at: number): number => view.getUint32(at + 8, true),
  setReusable: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 8, value, true),
  markAt: 12, // __u32
  mark: (view: DataView, at: number): number => view.getUint32(at + 12, true),
  setMark: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 12, value, true),
  marks: { at: 16, count: 2, elementSize: 20 },
  cookiesAt: 56, // __u32
  cookies: (view: DataView, at: number): number => view.getUint32(at + 56, true),
  setCookies: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 56, value, true),
  persistenceJiffiesAt: 60, // __u32
  persistenceJiffies: (view: DataView, at: number): number => view.getUint32(at + 60, true),
  setPersistenceJiffies: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 60, value, true),
  windowAt: 64, // __u64
  window: (view: DataView, at: number): bigint => view.getBigUint64(at + 64, true),
  setWindow: (view: DataView, at: number, value: bigint): void =>
    view.setBigUint64(at + 64, value, true),
  reusedAt: 72, // __u32
  reused: (view: DataView, at: number): number => view.getUint32(at + 72, true),
  setReused: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 72, value, true),
  generationAt: 76, // __u32
  generation: (view: DataView, at: number): number => view.getUint32(at + 76, true),
  setGeneration: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 76, value, true),
  tables: { at: 80, count: 2, elementSize: 20 },
  persistenceMaskAt: 120, // __u32
  persistenceMask: (view: DataView, at: number): number => view.getUint32(at + 120, true),
  setPersistenceMask: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 120, value, true),
  refillAt: 124, // __u32
  refill: (view: DataView, at: number): number => view.getUint32(at + 124, true),
  setRefill: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 124, value, true),
} as const;

/** struct ticket_line, 64 bytes. */
export const TicketLine = {
  size: 64,
  destination: { at: 0, count: 16, elementSize: 4 },
} as const;

/** enum term_kind, without TERM_. */
export const TermKind = {
  FAMILY: 0,
  PROTOCOL: 1,
  ADDRESS: 2,
  PORT: 3,
  VERDICT: 4,
} as const;

/** enum term_side, without TERM_. */
export const TermSide = {
  SOURCE: 1,
  TARGET: 2,
} as const;

/** struct capture_term, 48 bytes. */
export const CaptureTerm = {
  size: 48,
  prefixAt: 0,
  maskAt: 16,
  valueAt: 32, // __u64
  value: (view: DataView, at: number): bigint => view.getBigUint64(at + 32, true),
  setValue: (view: DataView, at: number, value: bigint): void =>
    view.setBigUint64(at + 32, value, true),
  kindAt: 40, // __u32
  kind: (view: DataView, at: number): number => view.getUint32(at + 40, true),
  setKind: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 40, value, true),
  sidesAt: 44, // __u32
  sides: (view: DataView, at: number): number => view.getUint32(at + 44, true),
  setSides: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 44, value, true),
} as const;

/** struct capture_alternative, 4 bytes. */
export const CaptureAlternative = {
  size: 4,
  termsAt: 0, // __u16
  terms: (view: DataView, at: number): number => view.getUint16(at, true),
  setTerms: (view: DataView, at: number, value: number): void =>
    view.setUint16(at, value, true),
  truthAt: 2, // __u16
  truth: (view: DataView, at: number): number => view.getUint16(at + 2, true),
  setTruth: (view: DataView, at: number, value: number): void =>
    view.setUint16(at + 2, value, true),
} as const;

/** struct capture, 856 bytes. */
export const Capture = {
  size: 856,
  lostAt: 0, // __u64
  lost: (view: DataView, at: number): bigint => view.getBigUint64(at, true),
  setLost: (view: DataView, at: number, value: bigint): void =>
    view.setBigUint64(at, value, true),
  snapLengthAt: 8, // __u32
  snapLength: (view: DataView, at: number): number => view.getUint32(at + 8, true),
  setSnapLength: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 8, value, true),
  termsUsedAt: 12, // __u32
  termsUsed: (view: DataView, at: number): number => view.getUint32(at + 12, true),
  setTermsUsed: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 12, value, true),
  alternativesUsedAt: 16, // __u32
  alternativesUsed: (view: DataView, at: number): number => view.getUint32(at + 16, true),
  setAlternativesUsed: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 16, value, true),
  lateTermsAt: 20, // __u32
  lateTerms: (view: DataView, at: number): number => view.getUint32(at + 20, true),
  setLateTerms: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 20, value, true),
  terms: { at: 24, count: 16, elementSize: 48 },
  alternatives: { at: 792, count: 16, elementSize: 4 },
} as const;

/** struct captured, 32 bytes. */
export const Captured = {
  size: 32,
  timeNsAt: 0, // __u64
  timeNs: (view: DataView, at: number): bigint => view.getBigUint64(at, true),
  setTimeNs: (view: DataView, at: number, value: bigint): void =>
    view.setBigUint64(at, value, true),
  captureAt: 8, // __u32
  capture: (view: DataView, at: number): number => view.getUint32(at + 8, true),
  setCapture: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 8, value, true),
  ingressIfindexAt: 12, // __u32
  ingressIfindex: (view: DataView, at: number): number => view.getUint32(at + 12, true),
  setIngressIfindex: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 12, value, true),
  egressIfindexAt: 16, // __u32
  egressIfindex: (view: DataView, at: number): number => view.getUint32(at + 16, true),
  setEgressIfindex: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 16, value, true),
  receivedLengthAt: 20, // __u32
  receivedLength: (view: DataView, at: number): number => view.getUint32(at + 20, true),
  setReceivedLength: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 20, value, true),
  sentLengthAt: 24, // __u32
  sentLength: (view: DataView, at: number): number => view.getUint32(at + 24, true),
  setSentLength: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 24, value, true),
  verdictAt: 28, // __u32
  verdict: (view: DataView, at: number): number => view.getUint32(at + 28, true),
  setVerdict: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 28, value, true),
} as const;

/** enum mark_limits. */
export const MarkLimits = {
  MAX_MARK_STEPS: 262144,
  MARK_FIELDS_ROOM: 16,
} as const;

/** enum mark_field, without MARK_. */
export const MarkField = {
  KIND: 0,
  SOURCE: 1,
  TARGET: 5,
  SOURCE_PORT: 9,
  TARGET_PORT: 10,
  INGRESS: 11,
  FIELDS: 12,
  TEST: 12,
  SET: 13,
} as const;

/** struct mark_step, 16 bytes. */
export const MarkStep = {
  size: 16,
  lowAt: 0, // __u32
  low: (view: DataView, at: number): number => view.getUint32(at, true),
  setLow: (view: DataView, at: number, value: number): void =>
    view.setUint32(at, value, true),
  spanAt: 4, // __u32
  span: (view: DataView, at: number): number => view.getUint32(at + 4, true),
  setSpan: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 4, value, true),
  otherAt: 8, // __u32
  other: (view: DataView, at: number): number => view.getUint32(at + 8, true),
  setOther: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 8, value, true),
  fieldAt: 12, // __u32
  field: (view: DataView, at: number): number => view.getUint32(at + 12, true),
  setField: (view: DataView, at: number, value: number): void =>
    view.setUint32(at + 12, value, true),
} as const;
