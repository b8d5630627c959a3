import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { networkInterfaces } from 'node:os';
import { pipeline, Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { content } from './content.ts';

/**
 * A real server of the lab: HTTP and a UDP echo that say who answered.
 *
 *   node http_server.js --name RS1 --http 80 --http 8080 --echo 7
 *
 * GET /          Web from RS1
 * GET /size/N    N bytes of `content`
 * a datagram     comes back behind "RS1 "
 *
 * Prints "ready" when every port is open.
 */
const { values } = parseArgs({
  options: {
    name: { type: 'string', default: 'RS' },
    http: { type: 'string', multiple: true, default: [] },
    echo: { type: 'string', multiple: true, default: [] },
  },
});

for (const port of values.http) {
  const server = createServer(answer).listen({ host: '::', port: Number(port) });
  await once(server, 'listening');
}
for (const port of values.echo) {
  for (const address of ownAddresses()) await echo(address, Number(port));
}
process.stdout.write('ready\n');

function answer(request: IncomingMessage, response: ServerResponse): void {
  const size = /^\/size\/(\d+)$/.exec(request.url ?? '')?.[1];
  if (size === undefined) {
    response.end(`Web from ${values.name}\n`);
    return;
  }
  response.setHeader('content-length', size);
  pipeline(Readable.from(content(Number(size))), response, () => {}); // the client may leave early
}

/** One socket an address: one for all could not answer from the address it was asked at. */
async function echo(address: string, port: number): Promise<void> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (message, { port: from, address: client }) => {
    const reply = [Buffer.from(`${values.name} `), message];
    socket.send(reply, from, client, () => {}); // like any datagram it may be lost
  });
  socket.bind(port, address);
  await once(socket, 'listening');
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .map(({ address }) => address)
    .filter((address) => !address.startsWith('fe80:'));
}
