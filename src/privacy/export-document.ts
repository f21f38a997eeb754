import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { z } from 'zod';
import { InvalidInputError } from '../errors.js';

const status = z.record(z.string(), z.object({ status: z.string(), asOf: z.string() }));

const failure = z.object({
  /** Null when it is not a system that failed. */
  source: z.string().nullable(),
  code: z.string(),
  /** Asking again changes nothing. */
  isFinal: z.boolean(),
});
export type Failure = z.infer<typeof failure>;

const section = z.object({
  fetchedAt: z.string(),
  /** The systems that had a part in it, and of when their answers are. */
  sources: status,
  failures: z.array(failure),
  /** Lists without a next page that may be longer than what is here. */
  truncatedLists: z.array(z.object({ field: z.string(), maxItems: z.number() })),
});
export type ExportedSection = z.infer<typeof section>;

const document = z.object({
  format: z.literal('stekkerdoos export 1'),
  exportedAt: z.string(),
  customerId: z.string().nullable(),
  /** Stands for what the customer was asked for by. */
  by: z.string(),
  /** Everything that the systems could tell is here. */
  complete: z.boolean(),
  /** What could not be had, by system: of a part that is null, nothing says that the system holds none. */
  notAnswered: z.array(
    z.object({ source: z.string().nullable(), code: z.string(), fields: z.array(z.string()) }),
  ),
  notExported: z.array(z.object({ field: z.string(), reason: z.string() })),
  /** All systems that were asked: the worst that became of it, and how old the oldest answer is. */
  sources: status,
  /** By field of Customer. */
  data: z.record(z.string(), z.unknown()),
  sections: z.record(z.string(), section),
  /** Stand for the identifiers that were known. */
  identifiers: z.array(z.string()),
});
/** All that is held on a customer. */
export type ExportDocument = z.infer<typeof document>;

function emptyDocument(by: string): ExportDocument {
  return {
    format: 'stekkerdoos export 1',
    exportedAt: '',
    customerId: null,
    by,
    complete: false,
    notAnswered: [],
    notExported: [],
    sources: {},
    data: {},
    sections: {},
    identifiers: [],
  };
}

/** An export on its way into a file. Until nothing is worth asking for again it lies beside it, as `<file>.part`. */
export interface ExportFile {
  begun: ExportDocument;
  save(document: ExportDocument): void;
  /** Gives the whole its name. */
  finish(): void;
  part: string;
}

export function openExportFile(path: string, by: string): ExportFile {
  const part = `${path}.part`;
  if (existsSync(path)) throw new InvalidInputError('The file is there already: name another one.');
  const begun = existsSync(part) ? readPart(part, by) : emptyDocument(by);
  return {
    begun,
    part,
    save: (whole) => {
      // Under another name first, so that a crash leaves what was there.
      const temporary = `${part}.new`;
      const file = openSync(temporary, 'w', 0o600);
      try {
        const bytes = Buffer.from(`${JSON.stringify(whole, null, 2)}\n`);
        for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(temporary, part);
    },
    finish: () => {
      renameSync(part, path);
    },
  };
}

function readPart(part: string, by: string): ExportDocument {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(part, 'utf8'));
  } catch {
    // Told below.
  }
  const { data } = document.safeParse(content);
  if (data === undefined) throw new InvalidInputError(`${part} is no export that was begun: remove it.`);
  if (data.by !== by)
    throw new InvalidInputError(`${part} was begun for another customer: remove it, or name another file.`);
  return data;
}
