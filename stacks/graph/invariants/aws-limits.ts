/** The limits in AWS's API references. */
import { type Invariants, resourcesOfType } from "./invariant.ts";
import { type PolicyStatement, statementsOf } from "./policies.ts";

// biome-ignore lint/suspicious/noExplicitAny: the inputs of any resource.
type Inputs = any;

/** The longest name of each type. */
const NAME_LENGTH_MAX: Readonly<Record<string, number>> = {
  EventBus: 256,
  EventRule: 64,
  Queue: 80,
  Table: 255,
  Function: 64,
  Role: 64,
  Policy: 128,
  Pipe: 64,
  Schedule: 64,
  ScheduleGroup: 64,
  LogGroup: 512,
  LogDeliverySource: 60,
  LogDeliveryDestination: 60,
  Topic: 256,
  MetricAlarm: 255,
};

interface Bound {
  readonly of: (inputs: Inputs) => number | readonly number[] | undefined;
  readonly least?: number;
  readonly most: number;
}

const DAY_SECONDS = 24 * 3_600;
const filtersOf = (pipe: Inputs): { pattern: string }[] =>
  pipe.sourceParameters?.filterCriteria?.filters ?? [];
const conditionValues = (statements: readonly PolicyStatement[]) =>
  statements
    .flatMap(({ Condition = {} }) => Object.values(Condition))
    .flatMap((keys) => Object.values(keys).flat()).length;
const widgetsOf = (dashboard: Inputs): Inputs[] => JSON.parse(dashboard.dashboardBody).widgets;

/** By type and quantity. */
const BOUNDS: Readonly<Record<string, Readonly<Record<string, Bound>>>> = {
  Queue: {
    visibility: { of: (queue) => queue.visibilityTimeoutSeconds, most: 12 * 3_600 },
    retention: { of: (queue) => queue.messageRetentionSeconds, least: 60, most: 14 * DAY_SECONDS },
    attempts: {
      of: ({ redrivePolicy }) =>
        redrivePolicy === undefined ? undefined : JSON.parse(redrivePolicy).maxReceiveCount,
      least: 1,
      most: 1_000,
    },
  },
  QueuePolicy: {
    "policy's length": { of: ({ policy }) => policy.length, most: 8_192 },
    "policy's conditions": { of: ({ policy }) => conditionValues(statementsOf(policy)), most: 10 },
    "policy's principals": {
      of: ({ policy }) =>
        statementsOf(policy).flatMap(({ Principal = {} }) => Object.values(Principal).flat()).length,
      most: 50,
    },
  },
  EventBusPolicy: {
    "policy's length": { of: ({ policy }) => policy.length, most: 10_240 },
  },
  Function: {
    timeout: { of: ({ timeout }) => timeout, least: 1, most: 900 },
    memory: { of: ({ memorySize }) => memorySize, least: 128, most: 10_240 },
  },
  EventSourceMapping: {
    concurrency: { of: (mapping) => mapping.scalingConfig?.maximumConcurrency, least: 2, most: 1_000 },
  },
  EventRule: {
    // A longer pattern needs a raised quota.
    "pattern's length": { of: (rule) => rule.eventPattern?.length, most: 2_048 },
    "description's length": { of: (rule) => rule.description?.length, most: 512 },
  },
  EventTarget: {
    "id's length": { of: (target) => target.targetId?.length, least: 1, most: 64 },
    "template's length": { of: (target) => target.inputTransformer?.inputTemplate?.length, most: 8_192 },
    "retries' age": {
      of: (target) => target.retryPolicy?.maximumEventAgeInSeconds,
      least: 60,
      most: DAY_SECONDS,
    },
    "message group's length": { of: (target) => target.sqsTarget?.messageGroupId?.length, most: 100 },
  },
  Pipe: {
    "number of filters": { of: (pipe) => filtersOf(pipe).length, most: 5 },
    "filter's length": { of: (pipe) => filtersOf(pipe).map(({ pattern }) => pattern.length), most: 4_096 },
    "template's length": { of: (pipe) => pipe.targetParameters?.inputTemplate?.length, most: 8_192 },
    "records' age": {
      of: (pipe) => pipe.sourceParameters?.dynamodbStreamParameters?.maximumRecordAgeInSeconds,
      least: 60,
      most: 7 * DAY_SECONDS,
    },
  },
  Schedule: {
    window: { of: (schedule) => schedule.flexibleTimeWindow.maximumWindowInMinutes, least: 1, most: 1_440 },
  },
  Role: {
    "inline policies' length": {
      of: ({ inlinePolicies = [] }) =>
        inlinePolicies.reduce((sum: number, { policy }: { policy: string }) => sum + policy.length, 0),
      most: 10_240,
    },
  },
  MetricAlarm: {
    "description's length": { of: (alarm) => alarm.alarmDescription?.length, most: 1_024 },
    // With periods of an hour or more AWS accepts a week.
    "evaluated time": {
      of: ({ period, metricQueries = [], evaluationPeriods }) =>
        [period, ...metricQueries.map((query: Inputs) => query.period ?? query.metric?.period)]
          .filter((seconds) => seconds !== undefined)
          .map((seconds) => seconds * evaluationPeriods),
      least: 60,
      most: DAY_SECONDS,
    },
  },
  Dashboard: {
    "number of metrics in a graph": {
      of: (dashboard) => widgetsOf(dashboard).flatMap(({ properties }) => properties.metrics?.length ?? []),
      least: 1,
      most: 500,
    },
    "number of alarms in a widget": {
      of: (dashboard) => widgetsOf(dashboard).map(({ properties }) => properties.alarms?.length ?? 0),
      most: 100,
    },
  },
};

export const limitInvariants: Invariants = {
  "aws-accepts-everything": {
    reason: "A deploy that exceeds a limit fails in the middle.",
    *violations(deployment) {
      for (const [type, most] of Object.entries(NAME_LENGTH_MAX))
        for (const { name, inputs } of resourcesOfType(deployment, type))
          if (!(inputs.name?.length <= most))
            yield `the name of ${type} ${name} is longer than ${most} characters`;
      for (const [type, quantities] of Object.entries(BOUNDS))
        for (const [quantity, { of, least = 0, most }] of Object.entries(quantities))
          for (const { name, inputs } of resourcesOfType(deployment, type))
            for (const value of [of(inputs) ?? []].flat())
              if (!(value >= least && value <= most))
                yield `the ${quantity} of ${type} ${name} is ${value}; AWS accepts ${least} to ${most}`;
    },
  },
};
