import { FIELDS, type InterfaceIndices } from '../../ts/lvs/marks/box.ts';
import { compileMarks, STEP_WORDS } from '../../ts/lvs/marks/program.ts';
import type { MarkRule } from '../../ts/lvs/marks/rule.ts';
import { MarkField } from '../../ts/native/abi.gen.ts';
import { addressBytes, familyOf } from '../../ts/net/address.ts';
import type { MarkedPacket } from './naive_marks.ts';

/** Steps that a program has room for in tests. */
const ROOM = 1 << 18;

/** What a program makes of a packet, as bpf/marks.h has it, and how many steps that takes. */
export function walkProgram(
  rules: readonly MarkRule[],
  interfaces: InterfaceIndices,
): (packet: MarkedPacket) => { readonly mark: number; readonly steps: number } {
  const base = 1;
  const program = compileMarks(rules, interfaces, { base, room: ROOM });
  if (program === undefined) throw new Error('no room');
  return (packet) => walk(program, fieldsOf(packet, interfaces));
}

function walk({ words, start }: { words: Uint32Array; start: number }, fields: Uint32Array) {
  let [mark, rank, steps] = [0, 0, 0];
  for (let at = start; at !== 0; steps++) {
    const place = (at - start) * STEP_WORDS;
    const [low = 0, span = 0, other = 0, field = 0] = words.subarray(place, place + STEP_WORDS);
    if (field < MarkField.FIELDS) {
      at = (fields[field]! - low) >>> 0 <= span ? at + 1 : other;
    } else if (field === MarkField.TEST) {
      at = (mark & low) >>> 0 === span ? at + 1 : other;
    } else {
      if (field >>> 8 >= rank) [mark, rank] = [((mark & low) ^ span) >>> 0, field >>> 8];
      at = other;
    }
  }
  return { mark, steps };
}

function fieldsOf(packet: MarkedPacket, interfaces: InterfaceIndices): Uint32Array {
  const fields = new Uint32Array(FIELDS.count);
  const family = familyOf(packet.source);
  fields[FIELDS.kind] = packet.protocol | (family << 8);
  fields[FIELDS.sourcePort] = packet.sourcePort;
  fields[FIELDS.targetPort] = packet.targetPort;
  fields[FIELDS.ingress] = interfaces.get(packet.interface) ?? 0;
  const words = (address: string, at: number) => {
    const { buffer, byteLength } = addressBytes(address);
    const view = new DataView(buffer);
    for (let i = 0; i < byteLength / 4; i++) fields[at + i] = view.getUint32(4 * i);
  };
  words(packet.source, FIELDS.source);
  words(packet.target, FIELDS.target);
  return fields;
}
