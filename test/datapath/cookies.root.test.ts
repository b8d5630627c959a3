import { afterAll, beforeAll, describe } from 'vitest';
import { objectPath } from '../../ts/native/addon.ts';
import { describeCookies } from './cookie_story.ts';
import { FastPath } from './fast_path.ts';

/** The XDP program, with the kernel's own cookies. */
describe('in XDP', () => {
  let fastPath: FastPath;
  beforeAll(() => {
    fastPath = new FastPath(objectPath());
  });
  afterAll(() => fastPath?.close());

  describeCookies(() => ({
    begin: (beginning) => fastPath.begin(beginning),
    send: (frame) => fastPath.send(frame).frame,
    memory: fastPath.memory,
  }));
});
