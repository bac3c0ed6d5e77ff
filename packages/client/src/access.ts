/**
 * Clients of AWS with the user's own credentials, or of the local host in its place.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { PipesClient } from "@aws-sdk/client-pipes";
import { S3Client } from "@aws-sdk/client-s3";
import { archiveStore } from "@ferry/aws/archive-store";
import { tableData } from "@ferry/aws/dynamodb/table";
import { describeTable } from "@ferry/aws/dynamodb/table-description";
import { RawProtocol } from "@ferry/aws/http/raw-protocol";
import { localHost } from "@ferry/core/local-host";
import type { ArchiveStore, TableData, TableDescription } from "@ferry/core/ports";
import type { TableAddress } from "@ferry/core/request/addresses";
import { ClientError } from "./client-error.ts";

export interface AccessOptions {
  /** `true`: the local host at its default endpoint; a URL: the local host there; absent: AWS. */
  readonly local?: boolean | string;
  /** The default region of tables, buckets and the stage. Default: that of the environment or the profile. */
  readonly region?: string;
  /** A profile of the AWS configuration files. Default: the SDK's own search for credentials. */
  readonly profile?: string;
}

/** A table's description without its settings. */
export type TableStructure = Omit<TableDescription, "settings">;

/** Access to AWS or the local host. A client is created when it is first used; each is kept. */
export interface AwsAccess {
  /** The endpoint of the local host; absent on AWS. */
  readonly local?: string;
  /** The default region. ClientError `no-region` if there is none. */
  region(): Promise<string>;
  dynamodb(region: string): DynamoDBClient;
  events(region: string): EventBridgeClient;
  pipes(region: string): PipesClient;
  s3(region: string): S3Client;
  /** A client of a service that few commands need; the others do not load its class. */
  client<Client>(type: new (configuration: { readonly region: string }) => Client, region: string): Client;
  /** The archives' objects. */
  readonly archive: ArchiveStore;
  /** A table's keys and size. It needs the permission DescribeTable alone. */
  describe(table: TableAddress): Promise<TableStructure>;
  /** Raw pages of tables. */
  readonly tables: Pick<TableData, "scan">;
}

/** Calls are tried this often: a person would rather wait than run the command again. */
const TRIES_MAX = 8;

/** Opens access. Nothing is called. ClientError `invalid-endpoint`, if `local` is not a URL. */
export function openAccess(options: AccessOptions = {}): AwsAccess {
  const local = endpointOf(options.local);
  const common = {
    maxAttempts: local === undefined ? TRIES_MAX : 1,
    ...(local !== undefined && {
      endpoint: local,
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
    }),
    ...(local === undefined && options.profile !== undefined && { profile: options.profile }),
  };
  const s3 = kept((region) => new S3Client({ ...common, region, followRegionRedirects: true }));
  const dynamodb = kept((region) => new DynamoDBClient({ ...common, region }));
  const rawDynamodb = kept((region) => new DynamoDBClient({ ...common, region, protocol: RawProtocol }));
  return {
    ...(local !== undefined && { local }),
    async region() {
      if (options.region !== undefined) return options.region;
      if (local !== undefined) return process.env["AWS_REGION"] ?? localHost.homeRegion;
      try {
        return await new DynamoDBClient(common).config.region();
      } catch (cause) {
        throw new ClientError("usage", "no-region", {
          message: "There is no region.",
          hint: "Give --region, or set AWS_REGION.",
          cause,
        });
      }
    },
    dynamodb,
    events: kept((region) => new EventBridgeClient({ ...common, region })),
    pipes: kept((region) => new PipesClient({ ...common, region })),
    s3,
    client: (type, region) => new type({ ...common, region }),
    archive: archiveStore(s3),
    describe: (table) => describeTable(dynamodb(table.region), table),
    tables: tableData(rawDynamodb, dynamodb),
  };
}

function endpointOf(local: AccessOptions["local"]): string | undefined {
  if (local === undefined || local === false) return undefined;
  if (local === true) return `http://127.0.0.1:${localHost.port}`;
  if (URL.canParse(local) && /^https?:$/.test(new URL(local).protocol)) return local;
  throw new ClientError("usage", "invalid-endpoint", {
    message: `${localHost.variable} must be the URL of the local host: got ${JSON.stringify(local)}.`,
    hint: `\`npm run local\` prints it, for instance http://127.0.0.1:${localHost.port}.`,
  });
}

function kept<Client>(make: (region: string) => Client): (region: string) => Client {
  const clients = new Map<string, Client>();
  return (region) => {
    const client = clients.get(region) ?? make(region);
    clients.set(region, client);
    return client;
  };
}
