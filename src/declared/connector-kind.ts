import type { z } from 'zod';
import type { Client, Connector } from '../connectors/connector.js';
import type { RestOptions } from '../connectors/rest.js';
import { SourceContractError } from '../errors.js';
import type { Mismatch } from './path.js';
import type { SourceLimits } from '../source.js';
import type { Place, Report } from './problems.js';

/** The context in which a kind of connector compiles a part of a declaration. */
export interface CompileContext {
  /** The name of the source. */
  source: string;
  /** Where the part is in the declaration. */
  place: Place;
  report: Report;
}

export interface ConnectContext extends CompileContext {
  /** The folder of the declaration, for files beside it. */
  folder: string | undefined;
  inCode?: ConnectorCode | undefined;
}

/** What a connector reads by code, because no rule of a declaration says it. */
export type ConnectorCode = Pick<RestOptions, 'readErrorKind' | 'readRateLimits'>;

/** The compiled call of a connector: keys in, rows of the answer out. */
export type CallRequest<C extends Client> = RowsRequest<C> | EachRequest<C>;

/** A call whose answer is one list. */
export interface RowsRequest<C extends Client> extends RequestBase<C> {
  /** `key`: one call for each key. `keys`: one call for a batch, so each row must name its key. */
  takes: 'key' | 'keys';
  /**
   * The rows of the answer, not mapped yet. Throws a Mismatch if there is no list of rows at its place. A row that the system
   * could not return in full is a FailedRow.
   */
  rows(keys: readonly string[], client: C): Promise<readonly unknown[]>;
}

/** A call for a batch, whose answer has a list for each key. */
export interface EachRequest<C extends Client> extends RequestBase<C> {
  takes: 'each';
  /** The rows of each key, not mapped yet, or its error: a Mismatch if there is no list of rows at its place. */
  rowsOfEach(keys: readonly string[], client: C): Promise<readonly (readonly unknown[] | Error)[]>;
}

/** A row with an error in it. The error fails the key of the row. */
export class FailedRow {
  constructor(
    readonly row: unknown,
    readonly error: Error,
  ) {}
}

interface RequestBase<C extends Client> {
  /** The place of the rows in the answer, for errors. */
  rowsPlace: string;
  /** Whether a key can be sent without a change of the call's shape. The others are refused. */
  canSend(key: string): boolean;
  /**
   * Whether a row is a record. Any other row means that the system has no record. If such a row names a key, the key is also
   * compared. Default: each row is a record.
   */
  isFound?(row: unknown): boolean;
  /** Whether a longer list is cut off without an error. Default: it is an error. */
  acceptsPart?: boolean;
  /** The place of the key in a row, unless the declaration names another. */
  key?: string;
  /** The most keys in one call, unless the declaration has another number. Default: no bound. */
  maxBatch?: number;
  /** How the system compares keys. Default: exact. */
  matching?: 'exact' | 'collation';
  /** Receives the paths of a row that are read (see `Mappers.pathsOf`), once the mapping of the rows is compiled. */
  reads?(paths: readonly string[]): void;
  /** Pages of a list that the system finds itself. Otherwise a list is read as a whole. */
  pages?(order: ListOrder): PageReader<C>;
}

/** The order of a list: the values of two members of its rows. The second is unique in the list. */
export interface ListOrder {
  members: readonly [ListMember, ListMember];
  isDescending: boolean;
}

export interface ListMember {
  /** The path in a row. */
  path: string;
  /** The scalar type of the field. */
  type: string;
}

/** A part of a page: the rows of one key. */
export interface ListPart {
  /** The index of the page. A page may have the rows of several keys. */
  page: number;
  key: string;
  /** The number of rows. */
  size: number;
}

export interface PageReader<C extends Client> {
  /** The first rows of each part, in the order of each page. All pages begin after the same position. */
  read(
    parts: readonly ListPart[],
    after: readonly [string, string] | null,
    client: C,
  ): Promise<readonly (readonly [page: number, row: unknown])[]>;
}

/** How one kind of connector is declared. There is a file for each kind. */
export interface ConnectorKind<
  Connect,
  Call,
  C extends Client,
  Request extends CallRequest<C> = RowsRequest<C>,
> {
  /** The shape of `connect`. */
  connect: z.ZodType<Connect>;
  /** The shape of a call. */
  call: z.ZodType<Call>;
  /** `hasExactNumbers`: whether a field of the source is a decimal or a large whole number. */
  compileConnector(connect: Connect, context: ConnectContext, hasExactNumbers: boolean): Connector<C>;
  compileCall(call: Call, context: CompileContext, connect: Connect): Request;
  /** Limits that every source of the kind has. Default: none. */
  limits?: Pick<SourceLimits, 'ofProcess'>;
}

/** The error of an answer that does not match the declaration. */
export function contractError(source: string, { place, expected }: Mismatch): SourceContractError {
  return new SourceContractError(
    source,
    `${source} sent an answer that does not match its declaration, at: ${place === '.' ? 'the record itself' : place}.`,
    { received: { mismatches: [{ path: place, expected }] } },
  );
}
