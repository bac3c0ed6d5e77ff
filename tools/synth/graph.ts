/** What a synth gives: every resource that a deploy would ask AWS for, sorted, the same on every machine. */
export interface Resource {
  /** As Pulumi names it, for instance `aws:sqs/queue:Queue`. */
  readonly type: string;
  /** As the stacks name it. */
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: the inputs of any resource of any provider.
  readonly inputs: any;
  readonly retainOnDelete?: boolean;
  readonly protect?: boolean;
}

/** A function as its bundler was asked for it. */
export interface BuiltFunction {
  /** Path and export of the source. */
  readonly handler: string;
  /** What `Resource` will hold in it. */
  readonly links: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** The bundle, from the repository's root; absent in `sst dev`, where nothing is bundled. */
  readonly bundle?: string;
}

export interface Graph {
  readonly app: {
    readonly name: string;
    readonly stage: string;
    readonly removal: string;
    readonly protect: boolean;
    readonly providers: { readonly aws: { readonly defaultTags: { readonly tags: Record<string, string> } } };
  };
  readonly dev: boolean;
  readonly resources: readonly Resource[];
  /** By the component that owns them. */
  readonly functions: Readonly<Record<string, BuiltFunction>>;
}
