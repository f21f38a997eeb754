import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Texts by their path in the project folder. */
export type ProjectFiles = Readonly<Record<string, string>>;

/** Writes files of a project folder: all of them, or none if one cannot be written. */
export function writeTogether(folder: string, files: ProjectFiles): void {
  const places = Object.entries(files).map(([path, text]) => {
    const place = join(folder, path);
    return {
      place,
      draft: `${place}.new`,
      text,
      former: existsSync(place) ? readFileSync(place) : undefined,
    };
  });
  const renamed: typeof places = [];
  try {
    for (const { place, draft, text } of places) {
      mkdirSync(dirname(place), { recursive: true });
      writeFileSync(draft, text);
    }
    for (const file of places) {
      renameSync(file.draft, file.place);
      renamed.push(file);
    }
  } catch (error) {
    for (const { place, former } of renamed)
      if (former === undefined) rmSync(place, { force: true });
      else writeFileSync(place, former);
    for (const { draft } of places) rmSync(draft, { force: true });
    throw error;
  }
}
