import { expect, it } from 'vitest';
import { testDependencies } from '../../src/cli/gateway-under-test.js';
import type { Recording } from '../../src/recordings/recording.js';
import { testSource } from '../../src/recordings/test-source.js';
import { compiled } from '../declared/warranty.js';
import { CLUB_RECORDING, CLUB_SDL, CLUB_YAML } from './cycling-club.js';

const PAGE = '    page: { cursor: meta.next, as: after, maxItems: 50 }\n';
const STYLES = [
  { cursor: 'meta.next', as: 'after', maxItems: 50 },
  { offset: 'skip', size: 2, limit: 'take', maxItems: 50 },
  { number: 'page', size: 2, first: 0, maxItems: 50 },
  { next: 'links.next', maxItems: 50 },
  { link: 'header', maxItems: 50 },
  { header: 'X-Continuation', as: 'continuation', maxItems: 50 },
  { lastId: 'code', as: 'after', more: 'has_more', maxItems: 50 },
  { lastId: 'code', as: 'after', size: 2, limit: 'take', maxItems: 50 },
] as const;
const PROMISES = ['found-by-email', 'examples', 'pages', 'bound'];

function recordingWith(page: object): Recording {
  const recording = structuredClone(CLUB_RECORDING);
  const { rides } = recording.calls;
  Object.assign(rides?.call ?? {}, { page });
  return recording;
}

async function failed(page: string, recorded: object): Promise<string[]> {
  const { source, sdl } = compiled(CLUB_YAML.replace(PAGE, page), CLUB_SDL);
  const report = await testSource(
    { source, sdl, recording: recordingWith(recorded), only: PROMISES },
    testDependencies,
  );
  expect(report.promises.map(({ id }) => id)).toEqual(PROMISES);
  return report.promises.flatMap(({ id, outcome }) => (outcome === 'failed' ? [id] : []));
}

it.each(STYLES)(
  'a recording with pages by %o is read to its end, and without a page it is not',
  async (page) => {
    expect(await failed(`    page: ${JSON.stringify(page)}\n`, page)).toEqual([]);
    expect(await failed('', page)).toContain('pages');
  },
);

it('a page that is declared larger than the system allows is found', async () => {
  const [, offset] = STYLES;
  expect(await failed(`    page: ${JSON.stringify({ ...offset, size: 20 })}\n`, offset)).toContain('pages');
});
