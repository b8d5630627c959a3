import { CONNECTION_STATES } from '../lvs/connection.ts';
import { Family, Flow } from '../native/abi.gen.ts';
import type { ConnectionSpec } from '../native/addon.ts';
import type { PastConnection } from './past.ts';

/** A connection with a past, as `SlowPath.enter` takes it. */
export function connectionEntry(past: PastConnection): ConnectionSpec {
  const request = new Uint8Array(Flow.size);
  const view = new DataView(request.buffer);
  request.set(past.caddr, Flow.saddrAt);
  request.set(past.vaddr, Flow.daddrAt);
  Flow.setSport(view, 0, past.cport);
  Flow.setDport(view, 0, past.vport);
  Flow.setProtocol(view, 0, past.protocol);
  Flow.setFamily(view, 0, past.caddr.length === 4 ? Family.IPV4 : Family.IPV6);
  const { destination, seenJiffies, timeoutJiffies, isTemplate } = past;
  const state = CONNECTION_STATES.indexOf(past.state);
  return { request, destination, state, seenJiffies, timeoutJiffies, isTemplate };
}
