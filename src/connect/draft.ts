import type { DeclarationKind, RecordedCall, RecordedTable, Recording } from '../recordings/recording.js';

/**
 * What `stekkerdoos connect` knows of a system before it writes a source: the calls, and the types of their records with
 * sampled values. A reader of each kind of system makes a draft; identity and privacy are suggested from it.
 */
export interface Draft {
  /** The name of the source. */
  source: string;
  kind: DeclarationKind;
  /** The member `connect` of the declaration. */
  connect: Readonly<Record<string, unknown>>;
  /** The environment variables that `connect` names, and what each holds, for `.env.example`. */
  variables: Readonly<Record<string, string>>;
  /** The member `limits`: the timeout, concurrency and rate that follow from what was measured. */
  limits?: Readonly<Record<string, unknown>>;
  /** Measured facts of the whole system, and its description, for the recording. */
  system?: Recording['system'];
  calls: Readonly<Record<string, DraftCall>>;
  /** The type of the customer's record. */
  customer: DraftType;
  /** The types that the customer's record leads to, by their GraphQL name. */
  types: Readonly<Record<string, DraftType>>;
  /** Tables, of a database and of files. */
  tables?: Readonly<Record<string, RecordedTable>>;
}

export interface DraftCall {
  /** The call in the syntax of a declaration, as it was measured. */
  call: Readonly<Record<string, unknown>>;
  /**
   * The kind of the key: of a call that finds customers, the field that finds them, such as `email`;
   * otherwise the path of the key in the record.
   */
  key: string;
  /** Whether it finds customers. */
  findsCustomers: boolean;
  /** Whether a constraint in the system makes the key unique. */
  isUnique: boolean;
  recorded?: RecordedCall;
}

/** An object type of the source's SDL. */
export interface DraftType {
  /** The GraphQL name, such as `Warranty`. */
  name: string;
  description: string;
  /** The path of the id in a record, if there is one. */
  id?: string;
  fields: readonly DraftField[];
}

export interface DraftField {
  /** The GraphQL name, such as `startedAt`. */
  name: string;
  /** The path in the record, such as `start`. */
  from: string;
  /** The description by the system itself, if it has one. */
  description?: string;
  /** A scalar such as `String` or `DateTime`, the name of a draft type, or `Enum` with `values`. */
  type: string;
  isList: boolean;
  isNullable: boolean;
  /** The values of the system. Only for an enum. */
  values?: readonly string[];
  /** The conversion in the syntax of a declaration, such as `{ money: { minorUnits: 2, currency: EUR } }`. */
  conversion?: Readonly<Record<string, unknown>>;
  /**
   * The call, the path of its key in the record, and the order of the list. Only for a field that a separate
   * call loads.
   */
  call?: { name: string; key: string; order?: readonly [string, string] };
  /** Sampled values as the system sent them, without nulls. */
  samples: readonly unknown[];
  /** What a person should check about the mapping, such as the zone of its times. It is written as a comment `# check`. */
  check?: string;
}

/** What a step found and its evidence, as printed. It contains no personal value and no secret. */
export interface Finding {
  step: 'look' | 'measure' | 'identity' | 'privacy' | 'write' | 'show';
  text: string;
  /** Something that a person should check. */
  isWarning?: boolean;
}

/** The identity and privacy of a draft, as they are suggested or answered. */
export interface Decisions {
  /** The namespace of the record's own id. */
  recordKey: string;
  /** Namespaces that no other source has, with a pattern. */
  namespaces: Readonly<Record<string, { pattern: string; description: string }>>;
  /** By namespace: the call that finds a customer by it. */
  foundBy: Readonly<Record<string, { call: string; uniqueness: 'enforced' | 'usual' | 'verified' | 'none' }>>;
  /** By namespace: the field of the customer's record that holds it. */
  yields: Readonly<Record<string, { path: string; kind: 'one' | 'several' | 'shown' }>>;
  /** The paths of the parts of the name, such as `owner.given`. */
  name: readonly string[];
  /** By field, as `Type.field`. A field that is left out is not in the SDL. */
  privacy: Readonly<Record<string, FieldPrivacy>>;
}

export type FieldPrivacy =
  | {
      category: string;
      mask?: string;
      purposes: readonly string[];
      scopes: readonly (readonly string[])[];
      /**
       * False if neither the name nor the values were recognised. Then the field gets the strictest rules and
       * a comment `# check`.
       */
      isRecognised: boolean;
      evidence: string;
    }
  | { leftOutBecause: string };
