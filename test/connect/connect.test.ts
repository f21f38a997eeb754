import { afterEach, describe, expect, it } from 'vitest';
import { createCallBudget } from '../../src/connect/call-budget.js';
import { connectSystem, filesOfSource, type Answers, type Connected } from '../../src/connect/connect.js';
import type { Draft, Finding } from '../../src/connect/draft.js';
import { graphqlReaderKind } from '../../src/connect/graphql/graphql-kind.js';
import type { Look, Measured, ReaderKind } from '../../src/connect/reader.js';
import { startServer, type SmallServer } from '../../src/testing/small-server.js';
import { CLUB_TOKEN, clubSystem } from './graphql/club.js';

let server: SmallServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const SUGGESTED: Answers = {
  candidate: () => Promise.resolve(undefined),
  keys: () => Promise.resolve([]),
  uniqueness: () => Promise.resolve({}),
  leaveOut: () => Promise.resolve([]),
};

/** A reader of the club with changed results. */
function changed(change: { look?: (look: Look) => Look; measured?: (measured: Measured) => Measured }): {
  kind: ReaderKind;
  isClosed: () => boolean;
} {
  let isClosed = false;
  return {
    isClosed: () => isClosed,
    kind: {
      ...graphqlReaderKind,
      open: async (options) => {
        const reader = await graphqlReaderKind.open(options);
        return {
          look: async () => (change.look ?? ((look) => look))(await reader.look()),
          measure: async (candidate) =>
            (change.measured ?? ((measured) => measured))(await reader.measure(candidate)),
          close: async () => {
            isClosed = true;
            await reader.close();
          },
        };
      },
    },
  };
}

async function connect(
  kind: ReaderKind = graphqlReaderKind,
  answers: Partial<Answers> = {},
  problems: readonly string[] = [],
): Promise<{ connected: Connected; steps: string[]; found: Finding[] }> {
  const answer = clubSystem();
  server = await startServer((request, response) => void answer(request, response));
  const what = `${server.url}/graphql`;
  const [steps, found]: [string[], Finding[]] = [[], []];
  const connected = await connectSystem({
    ...{ source: 'club', target: { what, url: new URL(what) }, readers: [kind], kind: undefined },
    environment: { CLUB_TOKEN },
    budget: createCallBudget({ intervalMs: 0 }),
    answers: { ...SUGGESTED, ...answers },
    known: { namespaces: [], overlap: () => Promise.resolve([]) },
    progress: { begin: (step) => steps.push(step), found: (finding) => found.push(finding) },
    findProblems: () => Promise.resolve(problems),
    now: new Date('2026-03-04T05:06:07Z'),
    seed: 7,
  });
  return { connected, steps, found };
}

const withDraft = (change: (draft: Draft) => Draft) =>
  changed({ measured: (measured) => ({ ...measured, draft: change(measured.draft) }) });

describe('the steps of connecting', () => {
  it('run in order, and make four files that are equal for equal answers and seeds', async () => {
    const { connected, steps, found } = await connect();
    expect(steps).toEqual(['look', 'measure', 'identity', 'privacy', 'write']);
    expect(Object.keys(connected.files).sort()).toEqual(Object.values(filesOfSource('club')).sort());
    expect(connected.values).toEqual({ CLUB_URL: `${server?.url}/graphql`, CLUB_TOKEN });
    // When the customer is shown, only the id of the record identifies it.
    expect(connected.shown.identity?.foundBy).toMatchObject({ email: { uniqueness: 'none' } });
    expect(found.map(({ text }) => text)).toContain(
      `${server?.seen.length} calls were sent, which only read.`,
    );
    await server?.close();
    const again = (await connect()).connected;
    const { recording } = filesOfSource('club');
    const rowsOf = ({ files }: Connected) => (files[recording] ?? '').replace(/"latencyMs": \{[^}]*\}/g, '');
    expect(rowsOf(again)).toBe(rowsOf(connected));
    expect(again.files[filesOfSource('club').sdl]).toBe(connected.files[filesOfSource('club').sdl]);
  });

  it('refuse a system without a call that finds one person, with the reasons', async () => {
    const { kind, isClosed } = changed({
      look: () => ({
        candidates: [],
        findings: [{ step: 'look', text: 'me returns a person and is not used.', isWarning: true }],
      }),
    });
    await expect(connect(kind)).rejects.toThrow(
      'The system has no call that finds one person.\n  me returns a person and is not used.',
    );
    expect(isClosed()).toBe(true);
  });

  it('make no file if one would contain a credential', async () => {
    const { kind } = withDraft((draft) => ({
      ...draft,
      system: { ...draft.system, description: `${draft.system?.description ?? ''}\n# ${CLUB_TOKEN}` },
    }));
    await expect(connect(kind)).rejects.toThrow('sources/club.recording.json would have a credential');
  });

  it('make no file that a gateway refuses', async () => {
    const { kind } = withDraft((draft) => ({ ...draft, limits: { timeout: 'soon' } }));
    await expect(connect(kind)).rejects.toThrow(
      /^Nothing was written, because the gateway would refuse the files[^]*sources\/club\.yaml:\d+:\d+: .*timeout/,
    );
  });

  it('make no file that a gateway with the source has a problem with', async () => {
    const problem = 'schema/sources/club.graphql line 7: "ClubMember.id" must be nullable.';
    await expect(connect(graphqlReaderKind, {}, [problem])).rejects.toThrow(
      `Nothing was written, because the gateway would refuse the files. Leave out these fields with --leave-out:\n  ${problem}`,
    );
  });

  it('take the answers of a person', async () => {
    const { connected } = await connect(graphqlReaderKind, {
      candidate: (candidates) => Promise.resolve(candidates[1]?.name),
      uniqueness: () => Promise.resolve({ email: 'verified' }),
      leaveOut: (suggested) => Promise.resolve(Object.keys(suggested).filter((field) => /phone/.test(field))),
    });
    expect(connected.draft.calls['byId']?.call).toMatchObject({ field: 'member(id: $key)' });
    expect(connected.decisions.foundBy['email']?.uniqueness).toBe('verified');
    expect(connected.files[filesOfSource('club').sdl]).not.toContain('phone');
  });
});
