import { lstatSync, mkdirSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

/** Where the daemons of all network namespaces keep their files; memory, and root's alone. */
const FOLDER = '/run/xlvs';

/** The files of one daemon, named after its network namespace's cookie. */
export interface RuntimeFiles {
  readonly folder: string;
  readonly socket: string;
  /** Leads from the namespace's inode number to the socket; clients have no cookie. */
  readonly link: string;
  readonly lock: string;
  readonly log: string;
  readonly journal: string;
}

/** The names of the files. XLVS_SOCKET overrides that of the socket. */
export function runtimeFiles(cookie: string, inode: number, folder = FOLDER): RuntimeFiles {
  return {
    folder,
    socket: resolve(process.env.XLVS_SOCKET || join(folder, `${cookie}.sock`)),
    link: join(folder, `netns-${inode}`),
    lock: join(folder, `${cookie}.lock`),
    log: join(folder, `${cookie}.log`),
    journal: join(folder, `${cookie}.journal`),
  };
}

/** Makes the folder, for root alone. */
export function makeFolder({ folder }: RuntimeFiles): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
}

/** Removes the socket of a daemon that was killed. For the holder of the lock. */
export function removeStaleSocket({ socket }: RuntimeFiles): void {
  if (lstatSync(socket, { throwIfNoEntry: false })?.isSocket()) unlinkSync(socket);
}

/** Lets clients find the socket. An old link of this inode is a dead namespace's. */
export function linkSocket({ folder, socket, link }: RuntimeFiles): void {
  rmSync(link, { force: true });
  symlinkSync(relative(folder, socket), link);
}

/** Removes what tells of a daemon that runs. */
export function removeFiles({ socket, link, lock }: RuntimeFiles): void {
  for (const path of [socket, link, lock]) rmSync(path, { force: true });
}
