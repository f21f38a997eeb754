import { expect, it } from 'vitest';
import type { Drafted } from './drafts.js';
import { ODATA, REST, SOAP } from './http-drafts.js';
import { FILES, SQL } from './table-drafts.js';
import { testWritten, writeProject } from './write-project.js';

const kinds: [kind: string, drafted: Drafted][] = [
  ['REST', REST],
  ['OData', ODATA],
  ['SQL', SQL],
  ['files', FILES],
];

/** Values of the people in the drafts. */
const PERSONAL =
  /sanne|teun|lotte|prins|vosmeer|boswachter|voorbeeld|bosbouw|(reg_|C|P)447[123]|48213377|48213388|7601234|231604588|0417164300|bobbie|123456782|81723/i;

it.each(kinds)(
  'writes the files of a system of the kind %s, which break no promise',
  async (_, { draft, decisions }) => {
    const written = await writeProject(draft, decisions);
    expect(written.project.problems).toEqual([]);
    expect(written.project.warnings).toEqual([]);
    const { promises, notTested } = await testWritten(written);
    expect(notTested).toBeUndefined();
    expect(promises.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    const { yaml, sdl, page, recording } = written;
    for (const text of [yaml, sdl, page, JSON.stringify(recording)])
      expect(PERSONAL.exec(text)?.[0]).toBeUndefined();
  },
);

it('writes the files of a SOAP service, which are read without a problem', async () => {
  const { project, recording } = await writeProject(SOAP.draft, SOAP.decisions);
  expect(project.problems).toEqual([]);
  expect(JSON.stringify(recording)).not.toMatch(PERSONAL);
  expect(recording.examples).toHaveLength(1);
});
