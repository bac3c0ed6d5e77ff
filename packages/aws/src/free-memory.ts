/**
 * Frees the memory of some bytes at once. The garbage collector would do it later, and mark the whole heap each time that buffers have
 * grown by a few megabytes.
 */
export function freeMemory({ buffer, byteOffset, length }: Uint8Array): void {
  // In Node's pool, buffers of others are in the same memory.
  const isAlone = byteOffset + length === buffer.byteLength && buffer.byteLength > Buffer.poolSize;
  if (isAlone && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
