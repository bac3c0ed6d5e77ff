/** Pulumi mocks of AWS: ids and ARNs are derived from names, and from the account and region of the stage. */
interface Target {
  readonly account: string;
  readonly region: string;
}

// biome-ignore lint/suspicious/noExplicitAny: the inputs of any resource of any provider.
type Inputs = any;

/** The outputs that AWS adds to a resource with these inputs. */
const createdIn = ({
  account,
  region,
}: Target): Readonly<
  Record<string, (name: string, inputs: Inputs) => { id?: string; [output: string]: unknown }>
> => {
  const arn = (service: string, rest: string) => `arn:aws:${service}:${region}:${account}:${rest}`;
  const sqsUrl = (name: string) => `https://sqs.${region}.amazonaws.com/${account}/${name}`;
  return {
    "aws:sqs/queue:Queue": (name) => ({ id: sqsUrl(name), arn: arn("sqs", name), url: sqsUrl(name) }),
    "aws:cloudwatch/eventBus:EventBus": (name) => ({ arn: arn("events", `event-bus/${name}`) }),
    "aws:cloudwatch/eventRule:EventRule": (name, { eventBusName }) => ({
      arn: arn("events", `rule/${eventBusName}/${name}`),
    }),
    "aws:lambda/function:Function": (name) => ({
      arn: arn("lambda", `function:${name}`),
      qualifiedArn: arn("lambda", `function:${name}:1`),
    }),
    "aws:iam/role:Role": (name) => ({ arn: `arn:aws:iam::${account}:role/${name}` }),
    "aws:iam/policy:Policy": (name) => ({ arn: `arn:aws:iam::${account}:policy/${name}` }),
    "aws:dynamodb/table:Table": (name, { streamEnabled }) => ({
      arn: arn("dynamodb", `table/${name}`),
      ...(streamEnabled && { streamArn: arn("dynamodb", `table/${name}/stream/2026-01-01T00:00:00.000`) }),
    }),
    "aws:cloudwatch/logGroup:LogGroup": (name) => ({ arn: arn("logs", `log-group:${name}`) }),
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": (name) => ({
      arn: arn("logs", `delivery-destination:${name}`),
    }),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (name) => ({ arn: arn("cloudwatch", `alarm:${name}`) }),
    "aws:scheduler/scheduleGroup:ScheduleGroup": (name) => ({
      arn: arn("scheduler", `schedule-group/${name}`),
    }),
    "aws:scheduler/schedule:Schedule": (name, { groupName }) => ({
      arn: arn("scheduler", `schedule/${groupName ?? "default"}/${name}`),
    }),
    "aws:pipes/pipe:Pipe": (name) => ({ arn: arn("pipes", `pipe/${name}`) }),
    "aws:sns/topic:Topic": (name) => ({ id: arn("sns", name), arn: arn("sns", name) }),
    // The key with which SST encrypts links; random in a real deploy.
    "random:index/randomBytes:RandomBytes": () => ({ base64: "AAAA", hex: "00" }),
  };
};

/** The answers to data sources. */
const answersIn = ({ account, region }: Target): Readonly<Record<string, (inputs: Inputs) => Inputs>> => ({
  "aws:index/getRegion:getRegion": () => ({ id: region, region, name: region }),
  "aws:index/getCallerIdentity:getCallerIdentity": () => ({ accountId: account }),
  "aws:index/getPartition:getPartition": () => ({ partition: "aws", dnsSuffix: "amazonaws.com" }),
  "aws:iam/getPolicyDocument:getPolicyDocument": (inputs) => ({
    ...inputs,
    // SST's components compare this with undefined.
    statements: inputs.statements?.length ? inputs.statements : undefined,
    json: JSON.stringify({ Version: "2012-10-17", Statement: (inputs.statements ?? []).map(statement) }),
  }),
});

function statement(from: Inputs) {
  const conditions: Record<string, Record<string, string[]>> = {};
  for (const { test, variable, values } of from.conditions ?? [])
    conditions[test] = { ...conditions[test], [variable]: values };
  return {
    ...(from.sid !== undefined && { Sid: from.sid }),
    Effect: from.effect ?? "Allow",
    ...(from.principals && {
      Principal: Object.fromEntries(
        from.principals.map((principal: Inputs) => [principal.type, principal.identifiers]),
      ),
    }),
    Action: from.actions,
    Resource: from.resources,
    ...(Object.keys(conditions).length > 0 && { Condition: conditions }),
  };
}

/**
 * The mocks of a stage in this account and region. `onResource` is called for every resource. A data source without an answer
 * is an error.
 */
export function mocksOf(target: Target, onResource: (type: string, name: string, inputs: Inputs) => void) {
  const created = createdIn(target);
  const answers = answersIn(target);
  return {
    newResource({ type, name, inputs }: { type: string; name: string; inputs: Inputs }) {
      onResource(type, name, inputs);
      const physical: string = inputs.name ?? inputs.dashboardName ?? name;
      const { id = physical, ...outputs } = created[type]?.(physical, inputs) ?? {};
      return { id, state: { ...inputs, name: physical, ...outputs } };
    },
    call({ token, inputs }: { token: string; inputs: Inputs }) {
      const answer = answers[token];
      if (answer === undefined)
        throw new Error(
          `synth has no answer for the data source ${token}: add one to stacks/graph/synth/mocks.ts`,
        );
      return answer(inputs);
    },
  };
}
