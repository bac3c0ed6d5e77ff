import { pipes } from "@ferry/core/topology";
import { expect, test } from "vitest";
import { runQueuePipe } from "./queue-pipe.ts";

test("a message that cannot be put stays in the queue, and is logged once, with its start", async () => {
  const lines: string[] = [];
  const kept: object[] = [];
  const body = `not JSON ${"x".repeat(1000)}`;
  const refused = { ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed." };
  let receives = 0;
  await new Promise<void>((allReceived) => {
    void runQueuePipe({
      name: "requests",
      spec: pipes["requests"]!,
      queueUrl: "http://127.0.0.1/1/request-queue",
      deadLetters: "request-dead-letters",
      retryDelaySeconds: 1,
      bus: { name: "bus", region: "us-east-1", put: () => ({ FailedEntryCount: 1, Entries: [refused] }) },
      log: (line) => lines.push(line),
      async sqs(operation, input) {
        if (operation !== "ReceiveMessage") {
          kept.push({ operation, ...input });
          return {};
        }
        if (++receives > 3) {
          allReceived();
          return new Promise<never>(() => {});
        }
        const Attributes = { ApproximateReceiveCount: String(receives), SentTimestamp: "0" };
        return { Messages: [{ MessageId: "m", ReceiptHandle: "r", Body: body, Attributes }] };
      },
    });
  });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(
    /^pipe requests: message m could not be put: Error: MalformedDetail: .*; it begins with "not JSON x{191}", and moves to request-dead-letters after some tries$/,
  );
  expect(kept).toMatchObject(Array(3).fill({ operation: "ChangeMessageVisibility", VisibilityTimeout: 1 }));
});
