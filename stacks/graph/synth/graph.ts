/** The graph of a stage: every resource that a deploy would create, in a stable order, the same on every machine. */
export interface Resource {
  /** Pulumi's name of the type, for instance `aws:sqs/queue:Queue`. */
  readonly type: string;
  /** The logical name. */
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: the inputs of any resource of any provider.
  readonly inputs: any;
  readonly retainOnDelete?: boolean;
  readonly protect?: boolean;
  /** The logical names of the resources that must exist before it, besides those that its inputs name. */
  readonly dependsOn?: readonly string[];
}

/** A function, as SST's component requests it from the CLI. */
export interface BuiltFunction {
  /** Path and export of the handler's source. */
  readonly handler: string;
  /** The values that the handler reads from `Resource`. */
  readonly links: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** The bundle's path from the repository's root. Absent in `sst dev`, which does not bundle. */
  readonly bundle?: string;
}

export interface Graph {
  readonly app: {
    readonly name: string;
    readonly stage: string;
    readonly removal: string;
    readonly protect: boolean;
    readonly providers: {
      readonly aws: {
        readonly region: string;
        readonly allowedAccountIds: readonly string[];
        readonly defaultTags: { readonly tags: Record<string, string> };
      };
    };
  };
  readonly dev: boolean;
  readonly resources: readonly Resource[];
  /** By the name of their component. */
  readonly functions: Readonly<Record<string, BuiltFunction>>;
}
