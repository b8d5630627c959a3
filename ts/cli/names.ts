import { readFileSync } from 'node:fs';

/** The protocols that services have names for. */
export type NamedProtocol = 'tcp' | 'udp' | 'sctp';

/** The names of hosts and services, in both directions. */
export interface Names {
  /** The IPv4 address of a host, as dotted text. */
  address(host: string): Promise<string | undefined>;
  /** The name of the host that has an address. */
  host(address: string): Promise<string | undefined>;
  /** The port of a service, exactly spelled. */
  port(service: string, protocol: NamedProtocol): number | undefined;
  /** The first name of the service at a port. */
  service(port: number, protocol: NamedProtocol): string | undefined;
}

/** The machine's own names: its resolver for hosts, /etc/services for ports. */
export function systemNames(): Names {
  const hosts = new Map<string, Promise<string | undefined>>();
  let services: Services | undefined;
  const table = () => {
    services ??= parseServices(readServices());
    return services;
  };
  return {
    address: lookUpAddress,
    host(address) {
      const known = hosts.get(address) ?? lookUpHost(address);
      hosts.set(address, known);
      return known;
    },
    port: (service, protocol) => table().ports.get(`${service}/${protocol}`),
    service: (port, protocol) => table().names.get(`${port}/${protocol}`),
  };
}

// The resolver is loaded when the first name is asked for: most command lines have none.

async function lookUpAddress(host: string): Promise<string | undefined> {
  const { lookup } = await import('node:dns/promises');
  return lookup(host, { family: 4 }).then(
    (found) => found.address,
    () => undefined,
  );
}

async function lookUpHost(address: string): Promise<string | undefined> {
  const { lookupService } = await import('node:dns/promises');
  return lookupService(address, 0).then(
    (found) => found.hostname,
    () => undefined,
  );
}

/** The names of /etc/services, by "name/protocol" and by "port/protocol". */
export interface Services {
  readonly ports: ReadonlyMap<string, number>;
  readonly names: ReadonlyMap<string, string>;
}

/** Reads text in the form of services(5); the first entry of a port or a name holds. */
export function parseServices(text: string): Services {
  const ports = new Map<string, number>();
  const names = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [name, end = '', ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    const [port, protocol] = end.split('/');
    if (name === undefined || protocol === undefined) continue;
    if (!names.has(end)) names.set(end, name);
    for (const known of [name, ...aliases].map((one) => `${one}/${protocol}`)) {
      if (!ports.has(known)) ports.set(known, Number(port));
    }
  }
  return { ports, names };
}

function readServices(): string {
  try {
    return readFileSync('/etc/services', 'utf8');
  } catch {
    // A machine without the file has no names for ports; numbers still work.
    return '';
  }
}
