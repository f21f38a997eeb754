import type {
  CustomerRecord,
  IdentityDeclaration,
  Profile,
  YieldedIdentifier,
} from '../identity/declaration.js';
import { scalarConversion } from './conversions.js';
import type { ValueMapping, Identity, Yielded } from './grammar.js';
import type { MapRecord } from './mapping.js';
import { Mismatch } from './path.js';
import type { Place, Report } from './problems.js';
import { readerOf, textReader, toText } from './text-value.js';

/** The record of a customer in a declared source. */
export interface DeclaredRecord extends CustomerRecord {
  /** The values of the fields of `Customer` that are read from the record. */
  fields: Readonly<Record<string, unknown>>;
  /** The values that must be equal in two records of one customer. */
  same?: readonly (string | null)[];
}

type ReadText = (record: unknown) => string | null;

/** The paths of the identifiers in a record, by namespace. */
export function identifierPaths({ recordKey, id, yields = {} }: Identity): Map<string, string> {
  const paths = new Map(
    Object.entries(yields).map(([namespace, yielded]) => [namespace, yieldedPath(namespace, yielded).path]),
  );
  paths.set(recordKey, id ?? recordKey);
  return paths;
}

/** All paths of a record that its identifiers and its profile are read from. */
export function recordPaths(identity: Identity): string[] {
  const { yields = {}, profile = {}, sameCustomer = [] } = identity;
  const { birthDate, updatedAt, name, language, address = {} } = profile;
  const verified = Object.entries(yields).map(
    ([namespace, yielded]) => yieldedPath(namespace, yielded).verified,
  );
  const converted = Object.entries({ birthDate, updatedAt }).map(([member, mapping]) =>
    typeof mapping === 'object' ? (mapping.from ?? member) : mapping,
  );
  return [
    ...identifierPaths(identity).values(),
    ...[...verified, ...converted, name, language, ...Object.values(address), sameCustomer]
      .flat()
      .filter((path) => typeof path === 'string'),
  ];
}

function yieldedPath(
  namespace: string,
  yielded: Yielded,
): { kind: 'one' | 'several' | 'shown'; path: string; verified: true | string | undefined } {
  if (typeof yielded === 'string') return { kind: yielded, path: namespace, verified: undefined };
  if ('one' in yielded) return { kind: 'one', path: yielded.one, verified: yielded.verified };
  if ('several' in yielded) return { kind: 'several', path: yielded.several, verified: yielded.verified };
  return { kind: 'shown', path: yielded.shown, verified: undefined };
}

export function yieldKinds({ yields = {} }: Identity): IdentityDeclaration<never>['yields'] {
  return Object.fromEntries(
    Object.entries(yields).map(([namespace, yielded]) => [namespace, yieldedPath(namespace, yielded).kind]),
  );
}

/** Compiles the mapping of a system's record to the record of a customer. */
export function customerRecordMapper(
  identity: Identity,
  mapFields: MapRecord,
  report: Report,
): (row: unknown) => DeclaredRecord {
  const { recordKey, id = recordKey, yields = {}, profile, sameCustomer } = identity;
  const readId = textReader(id, ['identity', 'id'], report);
  const identifierReaders = Object.entries(yields).map(([namespace, yielded]) =>
    identifierReader(namespace, yielded, ['identity', 'yields', namespace], report),
  );
  const readProfile = profile === undefined ? undefined : profileReader(profile, report);
  const readSame = sameCustomer?.map((path, i) => textReader(path, ['identity', 'sameCustomer', i], report));
  return (row) => {
    const fields = mapFields(row);
    const recordId = readId(row);
    if (recordId === null || recordId === '') throw new Mismatch(id, 'an id');
    const identifiers: YieldedIdentifier[] = [];
    for (const read of identifierReaders) read(row, identifiers);
    return {
      id: recordId,
      identifiers,
      ...(readProfile === undefined ? {} : { profile: readProfile(row) }),
      ...(readSame === undefined ? {} : { same: readSame.map((read) => read(row)) }),
      fields,
    };
  };
}

/** Two records are one customer if all declared values are equal and present. */
export function isSameCustomer(
  { same: values = [] }: DeclaredRecord,
  { same: others = [] }: DeclaredRecord,
): boolean {
  return (
    values.length > 0 && values.every((value, i) => value !== null && value !== '' && value === others[i])
  );
}

function identifierReader(
  namespace: string,
  yielded: Yielded,
  place: Place,
  report: Report,
): (row: unknown, identifiers: YieldedIdentifier[]) => void {
  const { kind, path, verified } = yieldedPath(namespace, yielded);
  const read = readerOf(path, place, report);
  const readVerified =
    typeof verified === 'string' ? readerOf(verified, [...place, 'verified'], report) : undefined;
  const isVerified = (row: unknown): boolean => {
    if (readVerified === undefined) return verified === true;
    const value = readVerified(row);
    if (value != null && typeof value !== 'boolean') throw new Mismatch(String(verified), 'true or false');
    return value === true;
  };
  return (row, identifiers) => {
    const found = read(row);
    if (found == null) return;
    if (Array.isArray(found) && kind === 'one') throw new Mismatch(path, 'one value');
    for (const value of Array.isArray(found) ? (found as unknown[]) : [found]) {
      const identifier = { namespace, value: toText(value, path) };
      identifiers.push(verified === undefined ? identifier : { ...identifier, verified: isVerified(row) });
    }
  };
}

function profileReader(
  { name, language, birthDate, updatedAt, address }: NonNullable<Identity['profile']>,
  report: Report,
): (row: unknown) => Profile {
  const place: Place = ['identity', 'profile'];
  const single = (path: string | undefined, member: string, at = place): ReadText | undefined =>
    path === undefined ? undefined : textReader(path, [...at, member], report);
  const joined = (paths: string | string[] | undefined, member: string, at = place): ReadText | undefined => {
    if (paths === undefined) return undefined;
    const reads = [paths].flat().map((path) => textReader(path, [...at, member], report));
    return (row) => reads.flatMap((read) => read(row)?.trim() || []).join(' ') || null;
  };
  const converted = (
    mapping: ValueMapping | undefined,
    scalar: string,
    member: string,
  ): ReadText | undefined => {
    if (mapping === undefined) return undefined;
    const { from = member, ...rest } = typeof mapping === 'string' ? { from: mapping } : mapping;
    const read = readerOf(from, [...place, member], report);
    const convert = scalarConversion(scalar, rest, from, { place: [...place, member], report });
    return (row) => {
      const value = read(row);
      return value == null || value === '' ? null : toText(convert(value), from);
    };
  };
  const readers = present({
    name: joined(name, 'name'),
    language: single(language, 'language'),
    birthDate: converted(birthDate, 'Date', 'birthDate'),
    updatedAt: converted(updatedAt, 'DateTime', 'updatedAt'),
  });
  const at = [...place, 'address'];
  const addressReaders =
    address === undefined
      ? undefined
      : present({
          street: joined(address.street, 'street', at),
          houseNumber: joined(address.houseNumber, 'houseNumber', at),
          postcode: single(address.postcode, 'postcode', at),
          city: single(address.city, 'city', at),
          country: single(address.country, 'country', at),
        });
  return (row) => ({
    ...valuesOf(readers, row),
    ...(addressReaders === undefined ? {} : { address: valuesOf(addressReaders, row) }),
  });
}

type Readers = readonly (readonly [name: string, read: ReadText])[];

function present(readers: Readonly<Record<string, ReadText | undefined>>): Readers {
  return Object.entries(readers).flatMap(([name, read]) =>
    read === undefined ? [] : [[name, read] as const],
  );
}

function valuesOf(readers: Readers, row: unknown): Record<string, string | null> {
  return Object.fromEntries(readers.map(([name, read]) => [name, read(row)]));
}
