/**
 * The rate limiter on DynamoDB: an item for each task, with the time until which its line is booked. A worker may update
 * it and nothing else.
 */
import {
  type DynamoDBClient,
  UpdateItemCommand,
  type UpdateItemCommandOutput,
} from "@aws-sdk/client-dynamodb";
import type { RateLimiter, Turn } from "@ferry/core/ports";
import type { TaskRef } from "@ferry/core/task";
import { limiterTable } from "@ferry/core/topology";
import { nameOf, told } from "./errors.ts";

const BOOKED = "booked-until";
/** How long the item is kept after the last turn that was booked, s. */
const KEPT_SECONDS = 24 * 3600;
/** How often others may come between the two updates of a booking. */
const TRIES_MAX = 10;

/** A rate limiter on the table of that name. */
export function rateLimiter(client: DynamoDBClient, table: string): RateLimiter {
  /** Updates the task's item; nothing where the condition does not hold. */
  async function updateIf(
    task: TaskRef,
    update: { set: string; condition: string; values: Readonly<Record<string, number>> },
  ): Promise<UpdateItemCommandOutput | undefined> {
    const values = Object.entries(update.values).map(([name, value]) => [name, { N: String(value) }]);
    return told({ operation: "UpdateItem", resource: `table ${table}, ${task.id}` }, async () => {
      try {
        return await client.send(
          new UpdateItemCommand({
            TableName: table,
            Key: { [limiterTable.hash.name]: { S: `${task.action} ${task.id}` } },
            UpdateExpression: update.set,
            ConditionExpression: update.condition,
            ExpressionAttributeNames: {
              "#b": BOOKED,
              ...(update.set.includes("#e") && { "#e": limiterTable.expires }),
            },
            ExpressionAttributeValues: Object.fromEntries(values),
            ReturnValues: "UPDATED_NEW",
          }),
        );
      } catch (error) {
        if (nameOf(error) === "ConditionalCheckFailedException") return undefined;
        throw error;
      }
    });
  }

  async function reserve(task: TaskRef, { durationMs, nowMs, latestMs }: Turn): Promise<number | undefined> {
    // DynamoDB takes bounds that are the wrong way round for a fault.
    if (nowMs > latestMs) return undefined;
    const expires = Math.ceil((nowMs + durationMs) / 1000) + KEPT_SECONDS;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      // Behind what is booked.
      const behind = await updateIf(task, {
        set: "SET #b = #b + :d, #e = :e",
        condition: "#b BETWEEN :now AND :latest",
        values: { ":d": durationMs, ":now": nowMs, ":latest": latestMs, ":e": expires },
      });
      if (behind !== undefined) return Number(behind.Attributes![BOOKED]!.N) - durationMs;
      // Nothing is booked from now on.
      const first = await updateIf(task, {
        set: "SET #b = :until, #e = :e",
        condition: "attribute_not_exists(#b) OR #b < :now",
        values: { ":until": nowMs + durationMs, ":now": nowMs, ":e": expires },
      });
      if (first !== undefined) return nowMs;
      // Booked beyond the latest; or another worker was the first between the two, and this one is behind it.
      if (await isBookedBeyond(task, latestMs)) return undefined;
    }
    return undefined;
  }

  /** An update that changes nothing: the role may not read. */
  async function isBookedBeyond(task: TaskRef, latestMs: number): Promise<boolean> {
    const found = await updateIf(task, {
      set: "SET #b = #b",
      condition: "#b > :latest",
      values: { ":latest": latestMs },
    });
    return found !== undefined;
  }

  return {
    reserve,
    async release(task, { endMs, durationMs }) {
      await updateIf(task, {
        set: "SET #b = :start",
        condition: "#b = :end",
        values: { ":start": endMs - durationMs, ":end": endMs },
      });
    },
  };
}
