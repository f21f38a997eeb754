import type { Matching } from '../declared/call-loader.js';
import type { MeasuredCall } from './read-recording.js';
import { rowReader, tableCallKeys } from './recorded-rows.js';
import type { RecordedTable } from './recording.js';
import { HeldRequests, type RecordedStandIn } from './stand-in.js';

/** The common members of stand-ins with recorded tables. They cannot see queries or change answers. */
export function tableStandIn(
  measured: ReadonlyMap<
    string,
    MeasuredCall<
      ({ from: string; by: string } | { query: string }) & { matching?: Matching; maxBatch?: number }
    >
  >,
  tables: Readonly<Record<string, RecordedTable>>,
): Omit<RecordedStandIn, 'name' | 'url' | 'protocol' | 'settings' | 'close'> {
  return {
    calls: new Map(
      [...measured].map(([name, { call, recorded }]) => [
        name,
        {
          keys: tableCallKeys(call, recorded, tables),
          takesBatch: 'from' in call || call.query.includes(':keys'),
          maxBatch: call.maxBatch,
          notFoundAnswers: 1,
          page: undefined,
        },
      ]),
    ),
    rowsOf: rowReader(measured),
    behaviour: {},
    served: [],
    unknownRequests: [],
    seenHeaders: new Set(),
    held: new HeldRequests(),
    reset: () => undefined,
  };
}
