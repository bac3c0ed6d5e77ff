/**
 * Frees the memory of some bytes at once, if it holds nothing else. The garbage collector would do it later, and mark the whole heap each
 * time that buffers have grown by a few megabytes.
 */
export function freeMemory({ buffer, length }: Uint8Array): void {
  // Node's pool and parts of a buffer are shared. Memory that is free already has no bytes.
  if (length > 0 && length === buffer.byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
