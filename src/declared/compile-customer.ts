import type { FieldDefinitionNode } from 'graphql';
import type { Connection, PageArguments } from '../connection.js';
import type { Client } from '../connectors/connector.js';
import type { Context, Customer } from '../customer/customer.js';
import type { IdentityDeclaration, Namespace } from '../identity/declaration.js';
import type { Loader } from '../loaders/loader.js';
import type { Calls } from './calls.js';
import {
  customerRecordMapper,
  identifierPaths,
  isSameCustomer,
  recordPaths,
  yieldKinds,
  type DeclaredRecord,
} from './customer-record.js';
import { objectTypeOf, type Finish } from './field-type.js';
import type { Declared, Identity, Mapping } from './grammar.js';
import type { MapRecord, Mappers } from './mapping.js';
import { COMMON } from './namespaces.js';
import type { Place, Report } from './problems.js';
import type { SourceSdl } from './source-sdl.js';

interface CustomerOptions<C extends Client> {
  declared: Declared<unknown, object>;
  sdl: SourceSdl;
  /** The resolvers of Customer that are written in code. */
  inCode: Readonly<Record<string, unknown>>;
  mappers: Mappers;
  calls: Pick<Calls<object, C>, 'recordLoader' | 'pageField' | 'fieldLoader'>;
  report: Report;
  finish: (field: FieldDefinitionNode, mapping: Mapping, id: string) => Finish;
  /** Adds the resolver of a field of Customer. */
  add: (field: string, resolver: (parent: never, args: never, context: Context) => unknown) => void;
}

/** How the items of a list of Customer are read: as a whole, or page by page in the order of the field. */
export type CustomerList =
  | { readAll: (customer: Customer, context: Context) => Promise<readonly unknown[]> }
  | {
      readPage: (
        customer: Customer,
        args: PageArguments,
        context: Context,
      ) => Connection<unknown> | PromiseLike<Connection<unknown>>;
    };

/** Compiles how customers are found, and the fields of Customer. */
export class CustomerCompiler<C extends Client> {
  readonly #options: CustomerOptions<C>;
  readonly #lists = new Map<string, CustomerList>();

  constructor(options: CustomerOptions<C>) {
    this.#options = options;
  }

  /** The lists of Customer, by field. Complete when `compile` has run. */
  get lists(): ReadonlyMap<string, CustomerList> {
    return this.#lists;
  }

  /** Compiles the identity of the source, and all fields of Customer. Undefined if the source has no identity. */
  compile(namespaces: readonly Namespace[]): IdentityDeclaration<C, DeclaredRecord> | undefined {
    const { identity } = this.#options.declared;
    const customerFields = this.#options.sdl.objects.get('Customer')?.fields ?? [];
    if (identity === undefined) {
      for (const field of customerFields) this.#compileCustomerField(field, undefined);
      return undefined;
    }
    const { recordKey, foundBy } = identity;
    if (!COMMON.has(recordKey) && !namespaces.some(({ name }) => name === recordKey))
      this.#options.report(
        ['identity', 'recordKey'],
        `The namespace "${recordKey}" is not declared.`,
        `Add it: namespaces: { ${recordKey}: { pattern: ^\\d+$, description: ... } }.`,
      );
    if (foundBy[recordKey] === undefined)
      this.#options.report(
        ['identity', 'foundBy'],
        `"foundBy" has no "${recordKey}", which is the recordKey.`,
        `Add ${recordKey}: { call: ..., uniqueness: enforced }.`,
      );
    const inRecord = customerFields.filter((field) => this.#isInRecord(field, identity));
    const toRecord = customerRecordMapper(identity, this.#mapCustomerFields(inRecord), this.#options.report);
    const paths = identifierPaths(identity);
    const rowPaths = [...recordPaths(identity), ...this.#customerPaths(inRecord)];
    const loaders = new Map<string, Loader<C, string, readonly DeclaredRecord[]>>();
    const compiled: IdentityDeclaration<C, DeclaredRecord> = {
      recordKey,
      foundBy: Object.fromEntries(
        Object.entries(foundBy).flatMap(([namespace, { call, uniqueness }]) => {
          const place: Place = ['identity', 'foundBy', namespace, 'call'];
          if (loaders.has(call))
            this.#options.report(
              place,
              `The call "${call}" is used for two kinds of identifier.`,
              'Declare a call for each.',
            );
          const loader = this.#options.calls.recordLoader(call, place, {
            namespace,
            common: COMMON.get(namespace),
            path: paths.get(namespace),
            idPath: paths.get(recordKey),
            paths: rowPaths,
            toValue: (rows) => rows.map(toRecord),
          });
          if (loader === undefined) return [];
          loaders.set(call, loader);
          return [[namespace, { uniqueness, loader }]];
        }),
      ),
      yields: yieldKinds(identity),
      ...(identity.sameCustomer === undefined ? {} : { sameCustomer: isSameCustomer }),
    };
    for (const field of customerFields) this.#compileCustomerField(field, compiled);
    return compiled;
  }

  /** Whether a field of Customer is read from the record by which the customer was found. */
  #isInRecord(field: FieldDefinitionNode, { foundBy }: Identity): boolean {
    const { call } = this.#options.mappers.mappingOf('Customer', field.name.value);
    return call === undefined || Object.values(foundBy).some((lookup) => lookup.call === call);
  }

  #customerPaths(inRecord: readonly FieldDefinitionNode[]): string[] {
    const whole = inRecord.filter(
      (field) => this.#options.mappers.mappingOf('Customer', field.name.value).call !== undefined,
    );
    const types = ['Customer', ...whole.map((field) => objectTypeOf(this.#options.sdl, field).type)];
    return types.flatMap((type) => this.#options.mappers.pathsOf(type));
  }

  /** Maps the fields of Customer that are in its record. A field with a call of `foundBy` is the record itself, as an object of its type. */
  #mapCustomerFields(fields: readonly FieldDefinitionNode[]): MapRecord {
    const ofRecord = fields.filter(
      (field) => this.#options.mappers.mappingOf('Customer', field.name.value).call !== undefined,
    );
    const mapOthers = this.#options.mappers.compile(
      'Customer',
      fields.filter((field) => !ofRecord.includes(field)),
    );
    const whole = ofRecord.map(
      (field) =>
        [field.name.value, this.#options.mappers.of(objectTypeOf(this.#options.sdl, field).type)] as const,
    );
    if (whole.length === 0) return mapOthers;
    return (row) => ({
      ...mapOthers(row),
      ...Object.fromEntries(whole.map(([name, map]) => [name, map(row)])),
    });
  }

  #compileCustomerField(
    field: FieldDefinitionNode,
    identity: IdentityDeclaration<C, DeclaredRecord> | undefined,
  ): void {
    const name = field.name.value;
    const id = `Customer.${name}`;
    if (this.#options.inCode[name] !== undefined) return;
    const mapping = this.#options.mappers.mappingOf('Customer', name);
    const { identity: declared } = this.#options.declared;
    if (declared !== undefined && identity !== undefined && this.#isInRecord(field, declared)) {
      const isList = mapping.call !== undefined && objectTypeOf(this.#options.sdl, field).isList;
      const finish = this.#options.finish(field, mapping, id);
      const valueIn = (records: readonly DeclaredRecord[]): unknown =>
        isList ? records.map(({ fields }) => fields[name]) : (records[0]?.fields[name] ?? null);
      this.#options.add(name, (customer: Customer, args: PageArguments) =>
        customer.withRecords(identity, (records): unknown => finish(valueIn(records), args)),
      );
      this.#lists.set(name, {
        readAll: async (customer) => itemsOf(valueIn(await customer.records(identity))),
      });
      return;
    }
    if (mapping.call === undefined) {
      this.#options.report(
        ['fields', id],
        `"${id}" has no call, and the source has no identity.`,
        'Add a call to the field, or an identity if it is in the record of the customer.',
      );
      return;
    }
    this.#compileCustomerCall(field, mapping, mapping.call);
  }

  #compileCustomerCall(field: FieldDefinitionNode, mapping: Mapping, call: string): void {
    const name = field.name.value;
    const id = `Customer.${name}`;
    const { identity, heldIdentifiers = [] } = this.#options.declared;
    const namespace = mapping.key ?? identity?.recordKey ?? heldIdentifiers[0];
    if (namespace === undefined) {
      this.#options.report(
        ['fields', id],
        `"${id}" has no key.`,
        'Add heldIdentifiers, such as [email]: the identifiers of other systems by which this one is queried.',
      );
      return;
    }
    const isHeld = heldIdentifiers.includes(namespace);
    if (!isHeld && namespace !== identity?.recordKey && COMMON.has(namespace))
      this.#options.report(
        ['fields', id, 'key'],
        `"${namespace}" is the key of no records.`,
        `Add it to heldIdentifiers: [${namespace}], or use the recordKey of a source.`,
      );
    const finish = this.#options.finish(field, mapping, id);
    const withKeys = <T>(
      customer: Customer,
      read: (keys: readonly string[]) => T | PromiseLike<T>,
    ): T | PromiseLike<T> =>
      isHeld ? customer.heldValues(namespace).then(read) : customer.withIdentifiers(namespace, read);
    const readPage = this.#options.calls.pageField(
      call,
      field,
      { from: id, order: mapping.order },
      namespace,
    );
    if (readPage !== undefined) {
      const read = (customer: Customer, args: PageArguments, { load }: Context) =>
        withKeys(customer, (keys) => readPage(keys, args, load));
      this.#options.add(name, read);
      this.#lists.set(name, { readPage: read });
      return;
    }
    const loader = this.#options.calls.fieldLoader(call, field, id, namespace);
    const { isList } = objectTypeOf(this.#options.sdl, field);
    if (loader === undefined) return;
    const readValue = async (keys: readonly string[], load: Context['load']): Promise<unknown> => {
      const values = await Promise.all(keys.map((key) => load(loader, key)));
      return isList
        ? (values as (readonly unknown[])[]).flat()
        : (values.find((value) => value !== null) ?? null);
    };
    this.#options.add(name, (customer: Customer, args: PageArguments, { load, loadField }) =>
      withKeys(customer, (keys) => {
        const [only] = keys.length === 1 ? keys : [];
        return only === undefined
          ? readValue(keys, load).then((value) => finish(value, args))
          : loadField(loader, only, (value) => finish(value, args));
      }),
    );
    if (isList)
      this.#lists.set(name, {
        readAll: async (customer, { load }) =>
          itemsOf(await withKeys(customer, (keys) => readValue(keys, load))),
      });
  }
}

function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}
