import { OtherPorts as Kinds, Settings } from '../native/abi.gen.ts';
import { addressBytes } from '../net/address.ts';

/** Ports of services that have others beside their own: FTP's data ports, and all. */
const FTP = 21;
const ANY = 0;

/**
 * Which services with other ports there are, so that packets to other ports of a virtual address
 * need not be looked up for them where there are none. As LVS counts them, whatever their address.
 */
export class OtherPorts {
  readonly #settings: DataView;
  /** By the service's index. */
  readonly #kinds = new Map<number, number>();

  constructor(settings: DataView) {
    this.#settings = settings;
  }

  hold(service: number, port: number): void {
    const kind = port === FTP ? Kinds.OF_FTP : port === ANY ? Kinds.ALL : 0;
    if (kind === 0) return;
    this.#kinds.set(service, kind);
    this.#tell();
  }

  drop(service: number): void {
    if (this.#kinds.delete(service)) this.#tell();
  }

  #tell(): void {
    let kinds = 0;
    for (const kind of this.#kinds.values()) kinds |= kind;
    Settings.setOtherPorts(this.#settings, 0, kinds);
  }
}

/** A netmask as the data plane has it: a mask of IPv4 as in a packet, or the prefix' length. */
export function netmaskWord(netmask: string | undefined): number {
  if (netmask === undefined) return ALL_BITS;
  if (!netmask.includes('.')) return Number(netmask);
  return new DataView(addressBytes(netmask).buffer).getUint32(0, true);
}

/** Every bit of an IPv4 address; and more than all of an IPv6 one. */
const ALL_BITS = 0xffff_ffff;
