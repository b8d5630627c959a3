#include "ends.h"

Ends EndsOf(const world& tables, uint32_t slot) {
  const connection& conn = tables.connections[slot];
  if (conn.family == FAMILY_IPV6) {
    auto& line = reinterpret_cast<const connection_addresses&>(tables.connections[slot + 1]);
    return {line.caddr, line.vaddr, line.daddr};
  }
  Ends ends = {};
  memcpy(&ends.caddr, &conn.caddr, 4);
  memcpy(&ends.vaddr, &conn.vaddr, 4);
  memcpy(&ends.daddr, &conn.daddr, 4);
  return ends;
}

flow RequestOf(const world& tables, uint32_t slot) {
  const connection& conn = tables.connections[slot];
  Ends ends = EndsOf(tables, slot);
  return {.saddr = ends.caddr,
          .daddr = ends.vaddr,
          .sport = conn.cport,
          .dport = conn.vport,
          .protocol = conn.protocol,
          .family = conn.family,
          .pad = 0};
}

flow ReplyOf(const world& tables, uint32_t slot) {
  const connection& conn = tables.connections[slot];
  Ends ends = EndsOf(tables, slot);
  return {.saddr = ends.daddr,
          .daddr = ends.caddr,
          .sport = conn.dport,
          .dport = conn.cport,
          .protocol = conn.protocol,
          .family = conn.family,
          .pad = 0};
}
