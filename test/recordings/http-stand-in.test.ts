import { afterEach, expect, it } from 'vitest';
import { graphqlSystem } from '../../src/recordings/graphql-system.js';
import { startHttpStandIn, type ImitatedSystem } from '../../src/recordings/http-stand-in.js';
import { odataSystem } from '../../src/recordings/odata-system.js';
import type { Recording } from '../../src/recordings/recording.js';
import { restSystem } from '../../src/recordings/rest-system.js';
import type { RecordedStandIn } from '../../src/recordings/stand-in.js';
import { CLUB_RECORDING } from './cycling-club.js';
import { BOOKSHOP_RECORDING, INVOICING_RECORDING } from './kinds.js';

let standIn: RecordedStandIn | undefined;
afterEach(() => standIn?.close());

const post = (body: unknown) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

it.each<
  [
    kind: string,
    recording: Recording,
    system: (recording: Recording) => ImitatedSystem,
    path: string,
    init?: object,
  ]
>([
  ['REST request with an invalid encoding', CLUB_RECORDING, restSystem, '/v2/members/%zz'],
  ['OData request with an invalid encoding', INVOICING_RECORDING, odataSystem, '/%zz'],
  ['request that is not GraphQL', BOOKSHOP_RECORDING, graphqlSystem, '/', post({ query: '{' })],
])('a %s is refused as a request that is not in the recording', async (_, recording, system, path, init) => {
  standIn = await startHttpStandIn(recording, system(recording), () => ({}));
  const answer = await fetch(`${standIn.url}${path}`, init);
  expect(answer.status).toBe(400);
  await answer.body?.cancel();
  expect(standIn.unknownRequests).toHaveLength(1);
});
