import { afterEach, expect, it } from 'vitest';
import { startEmbeddedServer } from '../../sources/stand-ins/embedded-server.js';
import { testDependencies } from '../../src/cli/gateway-under-test.js';
import { checkSource } from '../../src/recordings/check-source.js';
import { graphqlSystem } from '../../src/recordings/graphql-system.js';
import { startHttpStandIn } from '../../src/recordings/http-stand-in.js';
import { odataSystem } from '../../src/recordings/odata-system.js';
import type { Recording } from '../../src/recordings/recording.js';
import { startSqlStandIn } from '../../src/recordings/sql-stand-in.js';
import type { RecordedStandIn } from '../../src/recordings/stand-in.js';
import { BOOKSHOP_SDL, BOOKSHOP_YAML } from '../declared/bookshop.js';
import { SCHOOL_SDL, SCHOOL_YAML } from '../declared/driving-school.js';
import { INVOICING_SDL, INVOICING_YAML } from '../declared/invoicing.js';
import { compiled } from '../declared/warranty.js';
import { BOOKSHOP_RECORDING, INVOICING_RECORDING, SCHOOL_RECORDING } from './kinds.js';

let system: RecordedStandIn | undefined;
afterEach(() => system?.close());

/** A system that is imitated by a recording, with a change of its values of one name. */
function changed(recording: Recording, name: string, value: unknown): Recording {
  const text = JSON.stringify(recording, (member, inner: unknown) => (member === name ? value : inner));
  return JSON.parse(text) as Recording;
}

const kinds: [
  kind: string,
  files: [yaml: string, sdl: string],
  recording: Recording,
  start: (recording: Recording) => Promise<RecordedStandIn>,
  environment: (url: string) => Record<string, string>,
  email: string,
  change: [name: string, value: unknown],
  expected: string,
][] = [
  [
    'GraphQL',
    [BOOKSHOP_YAML, BOOKSHOP_SDL],
    BOOKSHOP_RECORDING,
    (recording) => startHttpStandIn(recording, graphqlSystem(recording), () => ({})),
    (url) => ({ BOOKSHOP_URL: url, BOOKSHOP_TOKEN: 'a-token' }),
    'sanne@example.nl',
    ['boughtOn', '01-02-2026'],
    'purchases boughtOn is date with the day first; it was date',
  ],
  [
    'OData',
    [INVOICING_YAML, INVOICING_SDL],
    INVOICING_RECORDING,
    (recording) => startHttpStandIn(recording, odataSystem(recording), () => ({})),
    (url) => ({ INVOICING_URL: url, INVOICING_TOKEN: 'a-token' }),
    'kantoor@brug.example.nl',
    ['Total', 'ten'],
    'bills Total is text; it was number',
  ],
  [
    'SQL',
    [SCHOOL_YAML, SCHOOL_SDL],
    SCHOOL_RECORDING,
    (recording) => startSqlStandIn(recording, (url) => ({ SCHOOL_URL: url }), startEmbeddedServer),
    () => ({}),
    'noor@example.nl',
    ['type', 'text'],
    'pupilsByEmail active is text; it was boolean',
  ],
];

it.each(kinds)(
  'a system that speaks %s is compared with its recording',
  async (_, [yaml, sdl], recording, start, environment, email, [name, value], expected) => {
    const check = async (live: Recording) => {
      system = await start(live);
      const { url } = system;
      return checkSource(
        {
          ...compiled(yaml, sdl),
          recording,
          environment: { ...environment(url), ...system.settings(url) },
          by: { namespace: 'email', value: email },
        },
        testDependencies,
      );
    };
    const unchanged = await check(recording);
    expect(unchanged.drift).toEqual([]);
    expect(unchanged.notChecked).toEqual([]);
    await system?.close();
    const { drift } = await check(changed(recording, name, value));
    expect(drift.map(({ call, path, text }) => [call, path, text].join(' '))).toContain(expected);
  },
);
