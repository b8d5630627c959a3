import { randomUUID } from 'node:crypto';
import { linkSync, unlinkSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';

/**
 * Where clients come in: a listening Unix socket that can change hands. Who comes while nobody
 * serves, waits.
 */
export class Door {
  readonly #listener: Server;
  readonly #waiting: Socket[] = [];
  #serve = (socket: Socket): void => void this.#waiting.push(socket);

  /** `listener` is another process's, or none. */
  constructor(listener = createServer()) {
    this.#listener = listener;
    listener.on('connection', (socket) => this.#serve(socket));
  }

  /** What another process can go on with. */
  get listener(): Server {
    return this.#listener;
  }

  /** Opens it where clients look, for root alone. Nothing may be there. */
  async listen(path: string): Promise<void> {
    // Closing removes the path that was given, which may be another door's by then.
    const own = `${path}.${randomUUID()}`;
    const before = process.umask(0o177);
    await new Promise<void>((resolve, reject) => {
      this.#listener.once('error', reject).listen(own, resolve);
    });
    process.umask(before);
    linkSync(own, path);
    unlinkSync(own);
  }

  /** From now on `serve` gets every client, and at first those that wait. */
  open(serve: (socket: Socket) => void): void {
    this.#serve = serve;
    for (const socket of this.#waiting.splice(0)) serve(socket);
  }

  /** Nobody comes in any more; the path stays. */
  close(): void {
    this.#listener.close();
  }
}
