import type { BtfType } from './gen_abi.ts';

/** What an ELF object's section header says: Elf64_Ehdr and Elf64_Shdr, little-endian. */
const HEADER = { sectionsAt: 0x28, sectionSize: 0x3a, sections: 0x3c, namesIndex: 0x3e } as const;
const SECTION = { name: 0x00, at: 0x18, size: 0x20 } as const;

/** The bytes of a constant of a BPF object, which its BTF finds in the section .rodata. */
export function constantBytes(
  object: Uint8Array,
  types: readonly BtfType[],
  name: string,
): Uint8Array {
  const constant = types.find((type) => type.kind === 'VAR' && type.name === name);
  const data = types.find((type) => type.kind === 'DATASEC' && type.name === '.rodata');
  const place = data?.vars?.find(({ type_id }) => type_id === constant?.id);
  if (place === undefined) throw new Error(`expected ${name} among the object's constants`);
  return section(object, '.rodata').subarray(place.offset, place.offset + place.size);
}

function section(object: Uint8Array, name: string): Uint8Array {
  const view = new DataView(object.buffer, object.byteOffset, object.byteLength);
  const first = Number(view.getBigUint64(HEADER.sectionsAt, true));
  const size = view.getUint16(HEADER.sectionSize, true);
  const bytesOf = (index: number): Uint8Array => {
    const at = Number(view.getBigUint64(first + index * size + SECTION.at, true));
    return object.subarray(
      at,
      at + Number(view.getBigUint64(first + index * size + SECTION.size, true)),
    );
  };
  const names = Buffer.from(bytesOf(view.getUint16(HEADER.namesIndex, true))).toString('latin1');
  for (let index = 0; index < view.getUint16(HEADER.sections, true); index++) {
    const nameAt = view.getUint32(first + index * size + SECTION.name, true);
    if (names.startsWith(`${name}\0`, nameAt)) return bytesOf(index);
  }
  throw new Error(`expected a section ${name} in the object`);
}
