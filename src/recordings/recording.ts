import { z } from 'zod';

/**
 * The recording of a system, `sources/<source>.recording.json`: how the system answers, and records in which every personal
 * value is replaced. `stekkerdoos connect` writes it, `stekkerdoos test` serves it as a stand-in, and `stekkerdoos check`
 * compares the live system with it.
 */

export const DECLARATION_KINDS = ['rest', 'graphql', 'sql', 'odata', 'soap', 'files'] as const;
export type DeclarationKind = (typeof DECLARATION_KINDS)[number];

const recordedCall = z.strictObject({
  /** The call as it was measured, in the syntax of a declaration. */
  call: z.record(z.string(), z.json()),
  /** An answer without its rows, from which the stand-in takes the other members. Default: only the rows. */
  envelope: z.json().exactOptional(),
  /** The rows as the system returns them, by key in the form in which the system holds it. */
  answers: z.record(z.string(), z.array(z.json())),
  /** The measured duration of a call, in milliseconds. */
  latencyMs: z.strictObject({ p50: z.number(), p95: z.number() }).exactOptional(),
  /**
   * Paths of members that the system returns, and that are not recorded, such as `owner.password`. `owner.*`: names of members in
   * `owner` are made up.
   */
  leftOut: z.array(z.string()).exactOptional(),
});
export type RecordedCall = z.infer<typeof recordedCall>;

const recordedTable = z.strictObject({
  /** The pattern of the files in the folder, as in the declaration. Only for files. */
  files: z.string().exactOptional(),
  /**
   * The columns in the order of the table. `type` is the type in the catalogue, such as `character
   * varying(80)`.
   */
  columns: z.array(z.strictObject({ name: z.string(), type: z.string(), isNullable: z.boolean() })),
  /** Columns of the table that are not read, such as a password. */
  leftOut: z.array(z.string()).exactOptional(),
  primaryKey: z.array(z.string()),
  /** Lists of columns with an index. `isUnique` if the index is unique. */
  indexes: z.array(z.strictObject({ columns: z.array(z.string()), isUnique: z.boolean() })),
  foreignKeys: z.array(
    z.strictObject({ columns: z.array(z.string()), table: z.string(), references: z.array(z.string()) }),
  ),
  rows: z.array(z.record(z.string(), z.json())),
  /** The number of rows of the live table when it was measured, or an estimate of it. */
  rowCount: z.int().exactOptional(),
});
export type RecordedTable = z.infer<typeof recordedTable>;

const recordedExample = z.strictObject({
  query: z.string(),
  variables: z.record(z.string(), z.json()),
  /** The answer of the gateway with the recorded records. */
  data: z.json(),
});

export const recordingSchema = z.strictObject({
  version: z.literal(1),
  source: z.string(),
  kind: z.enum(DECLARATION_KINDS),
  recordedAt: z.iso.datetime(),
  /** Measured facts of the whole system: the headers of its rate limit, and its answer to refused credentials. */
  system: z.strictObject({
    rateLimit: z
      .strictObject({ headers: z.record(z.string(), z.string()), perMinute: z.number().exactOptional() })
      .exactOptional(),
    refused: z.strictObject({ status: z.int(), body: z.json() }).exactOptional(),
    /** The system's description: the SDL of a GraphQL schema, `$metadata`, or a WSDL. */
    description: z.string().exactOptional(),
    /** The engine of a database. */
    database: z.enum(['postgresql', 'mysql']).exactOptional(),
  }),
  calls: z.record(z.string(), recordedCall),
  /** The tables of a database or of files. */
  tables: z.record(z.string(), recordedTable).exactOptional(),
  examples: z.array(recordedExample),
});
export type Recording = z.infer<typeof recordingSchema>;
