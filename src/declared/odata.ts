import { z } from 'zod';
import { odata, type OdataClient } from '../connectors/odata/client.js';
import { odataGuid, type Condition, type OdataValue } from '../connectors/odata/query.js';
import { tooMany } from '../connectors/paging.js';
import type { RowsRequest, CompileContext, ConnectorKind } from './connector-kind.js';
import { httpOptions } from './http-auth.js';
import {
  odataCall,
  odataConnect,
  type EntityCall,
  type OdataCall,
  type OdataConnect,
  type OdataKeyType,
  type SetCall,
} from './odata-grammar.js';
import { firstMember } from './path.js';

/** Sources that speak OData. */
export const odataKind: ConnectorKind<OdataConnect, OdataCall, OdataClient> = {
  connect: odataConnect,
  call: odataCall,
  compileConnector: ({ odata: url, ping, auth, headers, ca, ...options }, _, exactNumbers) =>
    odata({ ...httpOptions(url, { auth, headers, ca }), pingPath: ping, exactNumbers, ...options }),
  compileCall: (call, context) => ('set' in call ? compileSetCall(call, context) : compileEntityCall(call)),
};

/** Records are checked by their mapping. */
const anyRecord = z.unknown();

/** A longer key might not fit an address, which would fail the whole batch. */
const MAX_KEY_LENGTH = 200;

/** The literal of a key. Undefined for a key that no field of the type has. */
const LITERALS: Readonly<Record<OdataKeyType, (key: string) => OdataValue | undefined>> = {
  text: (key) =>
    key === '' || key.length > MAX_KEY_LENGTH || /[\p{Surrogate}\0]/u.test(key) ? undefined : key,
  number: (key) =>
    /^(0|-?[1-9]\d{0,15})$/.test(key) && Number.isSafeInteger(Number(key)) ? Number(key) : undefined,
  guid: (key) => (z.guid().safeParse(key).success ? odataGuid(key) : undefined),
};

function compileEntityCall({ entity, keys: type = 'text' }: EntityCall): RowsRequest<OdataClient> {
  const literalOf = LITERALS[type];
  return {
    takes: 'key',
    rowsPlace: '.',
    canSend: (key) => literalOf(key) !== undefined,
    rows: async ([key = ''], client) => {
      const record = await client.getByKey(anyRecord, entity, literalOf(key) ?? key);
      return record === null ? [] : [record];
    },
  };
}

function compileSetCall(
  { set, by, keys: type = 'text', maxKeyLength = Infinity, where = {}, expand, order, page }: SetCall,
  { source, place, report }: CompileContext,
): RowsRequest<OdataClient> {
  const literalOf = LITERALS[type];
  const conditions = Object.entries(where).map(([field, value]): Condition =>
    Array.isArray(value) ? [field, 'in', value] : [field, 'eq', value],
  );
  const select = new Set<string>();
  let readsAll = false;
  if (maxKeyLength !== Infinity && type !== 'text')
    report([...place, 'maxKeyLength'], `Keys of the type ${type} have no length.`, 'Remove it.');
  return {
    takes: 'keys',
    rowsPlace: 'value',
    key: by.replaceAll('/', '.'),
    canSend: (key) => key.length > maxKeyLength || literalOf(key) !== undefined,
    reads: (paths) => {
      for (const path of paths) {
        const field = firstMember(path);
        if (field === undefined) readsAll = true;
        else if (expand?.includes(field) !== true) select.add(field);
      }
    },
    rows: async (keys, client) => {
      // A longer key is in no record, and some systems refuse the whole batch for it.
      const values = keys
        .filter(({ length }) => length <= maxKeyLength)
        .flatMap((key) => literalOf(key) ?? []);
      if (values.length === 0) return [];
      const parts = await client.list(anyRecord, set, {
        keys: { field: by, values },
        where: conditions,
        ...(readsAll ? {} : { select: [...select] }),
        ...(expand === undefined ? {} : { expand }),
        ...(order === undefined
          ? {}
          : { orderBy: order.map((field) => (field.startsWith('-') ? `${field.slice(1)} desc` : field)) }),
        ...(page?.size === undefined ? {} : { pageSize: page.size }),
        ...(page === undefined ? {} : { maxPages: page.maxPages }),
      });
      if (parts.some(({ isComplete }) => !isComplete)) throw tooMany(source, `records of ${set}`);
      return parts.flatMap(({ records }) => records);
    },
  };
}
