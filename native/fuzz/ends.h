// A connection's ends, as its slots hold them.
#pragma once

#include "world.h"

/// The three addresses of a connection in full.
struct Ends {
  address caddr, vaddr, daddr;
};

Ends EndsOf(const world& tables, uint32_t slot);

/// The five-tuple of the client's packets of the connection in a slot, and of their replies.
flow RequestOf(const world& tables, uint32_t slot);
flow ReplyOf(const world& tables, uint32_t slot);
