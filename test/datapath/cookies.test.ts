import { loadAddon, type MemoryDirector } from '../../ts/native/addon.ts';
import { describeCookies } from './cookie_story.ts';
import { fill } from './tables.ts';

const addon = loadAddon();
let director: MemoryDirector;

/** The packet code as the slow path has it compiled, over plain memory. */
describeCookies(() => ({
  begin(beginning) {
    director = new addon.MemoryDirector();
    fill(director, beginning);
  },
  send: (frame) => director.run(frame).frame,
  get memory() {
    return director;
  },
}));
