import { loadAddon } from '../../ts/native/addon.ts';
import type { TestLab } from './netns.ts';

/** The memory of a mapped map of the director's program, which is there without a daemon too. */
export async function attachedMap(net: TestLab, name: string): Promise<ArrayBuffer> {
  const on = async (...argv: string[]) => JSON.parse(await net.must('director', argv));
  const [link] = await on('ip', '-j', 'link', 'show', 'dev', 'eth0');
  const program = await on('bpftool', '-j', 'prog', 'show', 'id', `${link.xdp.prog.id}`);
  const maps: { id: number; name?: string }[] = await on('bpftool', '-j', 'map', 'show');
  const map = maps.find((one) => program.map_ids.includes(one.id) && one.name === name);
  if (map === undefined) throw new Error(`expected a map ${name} of the director`);
  return loadAddon().openMap(map.id).mmap();
}
