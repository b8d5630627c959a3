import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { parseArgs } from 'node:util';

/**
 * Sends datagrams to an echo, one after the other and each from a port of its own, and prints
 * the replies as a JSON array; one that does not come within a second is null.
 *
 *   node udp_client.js --address 172.16.100.8 --port 7 --count 10
 *
 * The socket is connected: a reply from another address than was asked would not be heard.
 */
const { values } = parseArgs({
  options: {
    address: { type: 'string', default: '' },
    port: { type: 'string', default: '7' },
    count: { type: 'string', default: '1' },
  },
});

const replies: (string | null)[] = [];
for (let i = 0; i < Number(values.count); i++) replies.push(await ask(`datagram ${i}`));
process.stdout.write(`${JSON.stringify(replies)}\n`);

async function ask(text: string): Promise<string | null> {
  const socket = createSocket(values.address.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.connect(Number(values.port), values.address);
    await once(socket, 'connect');
    socket.send(text);
    const [reply] = await once(socket, 'message', { signal: AbortSignal.timeout(1000) });
    return String(reply);
  } catch {
    return null;
  } finally {
    socket.close();
  }
}
