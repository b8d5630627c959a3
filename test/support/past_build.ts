import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must, projectRoot } from '../../ts/lab/process.ts';

/** The last commit with ABI_VERSION 1, whose connections stand in two lines each. */
export const PAST_COMMIT = 'bc8f6cf53d9130d2ac067fc521ae87b7787979d5';

/** Whether this clone has the commit. */
export async function hasPast(): Promise<boolean> {
  return git('cat-file', '-e', `${PAST_COMMIT}^{commit}`).then(
    () => true,
    () => false,
  );
}

/** Builds that version beside this one, once; the path of its `xlvs`. */
export async function buildPast(): Promise<string> {
  const folder = join(projectRoot(), 'build', 'past', PAST_COMMIT);
  const xlvs = join(folder, 'bin', 'xlvs');
  const built = join(folder, 'built');
  if (existsSync(built)) return xlvs;
  mkdirSync(folder, { recursive: true });
  const tar = `git -C '${projectRoot()}' archive ${PAST_COMMIT} | tar -x -C '${folder}'`;
  await must(['sh', '-ec', tar]);
  const modules = join(folder, 'node_modules');
  if (!existsSync(modules)) symlinkSync(join(projectRoot(), 'node_modules'), modules);
  const build = `cd '${folder}'
    node_modules/.bin/cmake-js compile --log-level error
    node_modules/.bin/tsc -p .`;
  await must(['sh', '-ec', build], { timeoutS: 240 });
  writeFileSync(built, '');
  return xlvs;
}

function git(...args: string[]): Promise<string> {
  return must(['git', '-C', projectRoot(), ...args]);
}
