import { createHash } from 'node:crypto';

const CHUNK_SIZE = 256 * 1024;

const pattern = Buffer.alloc(CHUNK_SIZE);
for (let i = 0; i < CHUNK_SIZE; i++) pattern[i] = (i * 31 + (i >> 8)) & 0xff;

/** `size` bytes that are the same each time. Every chunk begins with its number: none can be
 * lost, doubled or exchanged without changing the digest. */
export function* content(size: number): Generator<Buffer> {
  for (let at = 0; at < size; at += CHUNK_SIZE) {
    const chunk = Buffer.from(pattern.subarray(0, Math.min(CHUNK_SIZE, size - at)));
    if (chunk.length >= 4) chunk.writeUInt32BE(at / CHUNK_SIZE);
    yield chunk;
  }
}

/** The SHA-256 of that content, in hexadecimal. */
export function contentDigest(size: number): string {
  const hash = createHash('sha256');
  for (const chunk of content(size)) hash.update(chunk);
  return hash.digest('hex');
}
