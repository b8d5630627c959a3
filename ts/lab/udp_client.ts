import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { parseArgs } from 'node:util';

/**
 * Sends datagrams to an echo, one after the other and each from a port of its own, and prints
 * the replies as a JSON array; one that does not come in so many seconds is null.
 *
 *   node udp_client.js --address 172.16.100.8 --port 7 --count 10 [--patience 10]
 *
 * With --ping-pong instead one socket sends a datagram as soon as the one before was echoed, until
 * the input ends, and prints {"sent", "lost", "longestMs"}.
 *
 * The socket is connected: a reply from another address than was asked would not be heard.
 */
const { values } = parseArgs({
  options: {
    address: { type: 'string', default: '' },
    port: { type: 'string', default: '7' },
    count: { type: 'string', default: '1' },
    patience: { type: 'string', default: '10' },
    'ping-pong': { type: 'boolean', default: false },
  },
});

const result = values['ping-pong'] ? await pingPong() : await askAll();
process.stdout.write(`${JSON.stringify(result)}\n`);

/** Each from a port of its own. */
async function askAll(): Promise<(string | null)[]> {
  const replies: (string | null)[] = [];
  for (let i = 0; i < Number(values.count); i++) {
    const socket = await connect();
    replies.push(await ask(socket, `datagram ${i}`));
    socket.close();
  }
  return replies;
}

async function pingPong(): Promise<{ sent: number; lost: number; longestMs: number }> {
  const socket = await connect();
  const tally = { sent: 0, lost: 0, longestMs: 0 };
  let stopped = false;
  process.stdin.resume().on('end', () => {
    stopped = true;
  });
  while (!stopped) {
    const startedMs = performance.now();
    const reply = await ask(socket, `datagram ${tally.sent}`);
    if (reply === null) tally.lost += 1;
    else tally.longestMs = Math.max(tally.longestMs, performance.now() - startedMs);
    tally.sent += 1;
  }
  socket.close();
  return tally;
}

async function connect(): Promise<Socket> {
  const socket = createSocket(values.address.includes(':') ? 'udp6' : 'udp4');
  socket.connect(Number(values.port), values.address);
  await once(socket, 'connect');
  return socket;
}

async function ask(socket: Socket, text: string): Promise<string | null> {
  try {
    socket.send(text);
    const [reply] = await once(socket, 'message', {
      signal: AbortSignal.timeout(1000 * Number(values.patience)),
    });
    return String(reply);
  } catch {
    return null;
  }
}
