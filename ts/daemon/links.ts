import type { Addon } from '../native/addon.ts';
import { decodeMessages, encodeDump, type LinkMessage } from '../net/netlink.ts';

/** Every link of this network namespace, as it is now. */
export async function listLinks(addon: Addon): Promise<readonly LinkMessage[]> {
  for (;;) {
    const links = await askForLinks(addon);
    if (links !== undefined) return links;
  }
}

/** Undefined when something changed meanwhile. */
function askForLinks(addon: Addon): Promise<readonly LinkMessage[] | undefined> {
  // The socket alone does not keep the process alive.
  const waiting = setInterval(() => {}, 1000);
  return new Promise((resolve) => {
    const links: LinkMessage[] = [];
    let changed = false;
    const socket = new addon.NetlinkSocket(0, (datagram) => {
      for (const message of decodeMessages(datagram)) {
        if (message.kind === 'link') links.push(message);
        changed ||= message.kind === 'interrupted';
        if (message.kind !== 'done') continue;
        clearInterval(waiting);
        socket.close();
        resolve(changed ? undefined : links);
      }
    });
    socket.send(encodeDump('link', 1));
  });
}
