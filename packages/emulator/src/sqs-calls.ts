/**
 * Calls of the emulator itself to its SQS, without HTTP.
 */
import type { JsonObject } from "./json.ts";

/** Calls an operation of SQS in the home region. Throws an Error with the name and message of SQS's error. */
export type CallSqs = (operation: string, input: object) => Promise<JsonObject>;

/** A message as ReceiveMessage returns it with all attributes. */
export interface SqsMessage {
  readonly MessageId: string;
  readonly ReceiptHandle: string;
  readonly Body: string;
  readonly MD5OfBody?: string;
  readonly Attributes?: Readonly<Record<string, string>>;
}
