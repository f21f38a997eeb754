import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { testDependencies } from '../../../src/cli/gateway-under-test.js';
import type { Decisions, Draft, FieldPrivacy } from '../../../src/connect/draft.js';
import { writeDeclaration } from '../../../src/connect/write/declaration.js';
import { writePage } from '../../../src/connect/write/page.js';
import { writeRecording } from '../../../src/connect/write/recording.js';
import { writeSdl } from '../../../src/connect/write/sdl.js';
import { loadProject, type ProjectOptions } from '../../../src/project/load-project.js';
import { readRecording } from '../../../src/recordings/read-recording.js';
import type { Recording } from '../../../src/recordings/recording.js';
import { testSource, type SourceReport } from '../../../src/recordings/test-source.js';

/** Writes the files of a draft into a project folder, and reads them as a gateway does. */

export interface Written {
  yaml: string;
  sdl: string;
  page: string;
  recording: Recording;
  project: ProjectOptions;
}

export async function writeProject(
  draft: Draft,
  decisions: Decisions,
  { seed = 17, change = (yaml: string) => yaml } = {},
): Promise<Written> {
  const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-write-'));
  const { source } = draft;
  const written = {
    yaml: change(writeDeclaration(draft, decisions)),
    sdl: writeSdl(draft, decisions),
    page: writePage(draft, decisions, [], new Date('2026-12-01T10:00:00Z')),
    recording: writeRecording(draft, decisions, { seed, recordedAt: '2026-12-01T10:00:00Z' }),
  };
  const files = {
    'gateway.yaml': 'sources: {}\n',
    [`sources/${source}.yaml`]: written.yaml,
    [`schema/sources/${source}.graphql`]: written.sdl,
    [`sources/${source}.md`]: written.page,
    [`sources/${source}.recording.json`]: JSON.stringify(written.recording),
  };
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const project = await loadProject(folder, [], {});
    const recording = readRecording(join(folder, `sources/${source}.recording.json`), source);
    if (recording === undefined) throw new Error('There is no recording.');
    return { ...written, recording, project };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Tests the written source as `stekkerdoos test` does. */
export function testWritten(
  { project, recording }: Written,
  only?: readonly string[],
): Promise<SourceReport> {
  const source = project.sources.find(({ name }) => name === recording.source);
  if (source === undefined) throw new Error(`There is no source: ${project.problems.join('\n')}`);
  return testSource({ source, sdl: project.sdl[source.name], recording, only }, testDependencies);
}

/** The classification of a field, such as `classified('CONTACT', 'EMAIL')`. */
export function classified(category: string, mask?: string): FieldPrivacy {
  const scopes: Readonly<Record<string, string>> = {
    CONTACT: 'contact:read',
    TRANSACTION: 'orders:read',
    FINANCIAL: 'invoices:read',
  };
  return {
    category,
    ...(mask === undefined ? {} : { mask }),
    purposes: category === 'CONTACT' ? ['SERVICE', 'CUSTOMER_CARE', 'ANALYTICS'] : [],
    scopes: [[scopes[category] ?? 'profile:read']],
    isRecognised: true,
    evidence: 'by hand',
  };
}
