import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as made from '../../connect/suggest/made-up.js';
import type { RightSystem } from '../../connect/suggest/right-answers.js';
import { segment } from '../../connect/suggest/systems/behaviour.js';
import type { NineSystem } from './nine-system.js';
import { emailOf, recordsOf, type Json } from './rows.js';

/** The messages of Segment as tables, as it stores them in a warehouse: traits are columns, and so are members of the context. */

const PEOPLE = 40;
const userId = (i: number) => made.hex(i, 9, 5) + String(1_000 + i);
const anonymousId = (i: number) => made.hex(i, 20, 7) + String(1_000 + i);

/** The column of a path in a message: `first_name` of `traits.firstName`. */
const columnOf = (path: string) =>
  path
    .replace(/^traits\./, '')
    .replaceAll('.', '_')
    .replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const columns = (fields: RightSystem['types'][string]['fields']) =>
  Object.fromEntries(Object.entries(fields).map(([path, field]) => [columnOf(path), field]));

const right: RightSystem = {
  ...segment,
  kind: 'files',
  customer: 'SegmentUser',
  identity: { id: 'user_id', yields: [], name: ['first_name', 'last_name'] },
  types: {
    SegmentUser: {
      category: 'RELATION',
      id: 'user_id',
      fields: columns(segment.types['SegmentProfile']?.fields ?? {}),
    },
    SegmentTrack: {
      category: 'BEHAVIOUR',
      id: 'message_id',
      fields: columns(segment.types['SegmentTrack']?.fields ?? {}),
    },
  },
};

const lines = (rows: readonly Json[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

async function writeTables(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'segment-'));
  const users = recordsOf(right, 'SegmentUser', PEOPLE, (i) => ({
    ...{ user_id: userId(i), anonymous_id: anonymousId(i), email: emailOf(i) },
    phone: `+316${24_571_903 + i * 31_337}`,
  }));
  const tracks = recordsOf(right, 'SegmentTrack', PEOPLE * 3, (i) => ({
    ...{ user_id: userId(i % PEOPLE), anonymous_id: anonymousId(i % PEOPLE) },
    message_id: `022bb90c-bbac-41e4-8dfc-${String(100_000_000_000 + i * 7919)}`,
  }));
  await writeFile(join(folder, 'users.jsonl'), lines(users));
  await writeFile(join(folder, 'tracks.jsonl'), lines(tracks));
  return folder;
}

/**
 * The HTTP API of Segment only receives messages, and finds no person. So the tables that it stores are read as files. All phone
 * numbers have their country code, so a customer is found by phone too. No constraint makes a column unique.
 */
export const segmentSystem: NineSystem = {
  right,
  identity: [
    'found by own (usual)',
    'found by email (usual)',
    'found by phone (usual)',
    'yields visitorId at anonymous_id (shown)',
    'yields email at email (one)',
    'yields phone at phone (one)',
  ],
  calls: { byUserId: {}, byEmail: {}, byPhone: {}, tracks: {} },
  query: {
    text: '{ customer(by: { email: "sanne.11@voorbeeldpost.nl" }) { segment { firstName lastName } } }',
    data: { customer: { segment: { firstName: 'Sanne', lastName: 'Jansen' } } },
  },
  start: async () => {
    const folder = await writeTables();
    return {
      what: folder,
      settings: { SEGMENT_FOLDER: folder },
      close: () => rm(folder, { recursive: true }),
    };
  },
};
