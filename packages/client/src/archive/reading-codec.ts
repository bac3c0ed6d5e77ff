/**
 * The codec that reads archives for the command: another implementation than the one with which the workers wrote them, so that a
 * verified file does not depend on one library.
 */
import { zlibCodec } from "@ferry/aws/codec";
import { pakoCodec } from "@ferry/core/archive/pako-codec";

/** pako for gzip, fzstd for zstd, Node for MD5. */
export const readingCodec = pakoCodec(zlibCodec.openMd5);
