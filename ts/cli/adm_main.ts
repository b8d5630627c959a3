import { Client } from '../api/client.ts';
import { adm } from './adm.ts';
import { systemNames } from './names.ts';

/** `xlvs adm` on this machine: its streams, names and daemon. Returns the exit status. */
export async function admMain(words: readonly string[]): Promise<number> {
  const autostart = process.env.XLVS_AUTOSTART !== '0';
  const start = async () => (await import('./autostart.ts')).startDaemon();
  // A reader that has seen enough, such as head, is no error.
  process.stdout.on('error', () => undefined);
  return adm(words.map(toBytes), {
    director: new Client(),
    names: systemNames(),
    caller: ['ipvsadm', ...words].join(' '),
    // Opened by -R only.
    get stdin() {
      return process.stdin;
    },
    out: (text) => process.stdout.write(text, 'latin1'),
    err: (text) => process.stderr.write(text, 'latin1'),
    ...(autostart && { start }),
  });
}

/** The bytes of a word, one character each. */
function toBytes(word: string): string {
  return Buffer.from(word).toString('latin1');
}
