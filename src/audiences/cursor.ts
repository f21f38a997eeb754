import { createHash } from 'node:crypto';
import { z } from 'zod';
import { invalidCursor } from '../connection.js';
import type { SealedTexts } from '../identity/customer-id.js';
import type { Position } from './scan.js';

/** Where a page begins, and the comparison that lists the customers, by its place among those that can. */
interface AudienceCursor {
  seed: number;
  from: Position;
}

const MAX_CHARACTERS = 100_000;
const Count = z.int().min(0);
const Parts = z.tuple([
  z.string(),
  Count,
  z.string().nullable(),
  z.tuple([Count, Count, Count]),
  z.array(z.string()),
]);

/** A cursor is encrypted, because it holds ids of records. It belongs to one condition. */
export function sealCursor(where: unknown, { seed, from }: AudienceCursor, texts: SealedTexts): string {
  const { after, counts, otherRecords } = from;
  const { matching, unknown, ambiguous } = counts;
  const parts: z.infer<typeof Parts> = [
    digestOf(where),
    seed,
    after,
    [matching, unknown, ambiguous],
    [...otherRecords],
  ];
  return texts.seal(JSON.stringify(parts));
}

/** Throws an InvalidInputError for a text that is not a cursor of this condition. */
export function openCursor(where: unknown, cursor: string, texts: SealedTexts): AudienceCursor {
  const opened = cursor.length > MAX_CHARACTERS ? null : texts.open(cursor);
  if (opened === null) throw invalidCursor();
  const [digest, seed, after, [matching, unknown, ambiguous], otherRecords] = Parts.parse(JSON.parse(opened));
  if (digest !== digestOf(where)) throw invalidCursor();
  return { seed, from: { after, counts: { matching, unknown, ambiguous }, otherRecords } };
}

function digestOf(where: unknown): string {
  return createHash('sha256').update(JSON.stringify(where)).digest('base64url').slice(0, 16);
}
