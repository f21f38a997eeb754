import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Build } from '../processes.js';
import { SUBGRAPHS } from './subgraphs.js';
import { PEER_SYSTEMS, URL_SETTINGS } from './systems.js';

/** Composes the subgraphs and writes the supergraph to a file. Returns its path. */
export async function writeSupergraph(
  { folder }: Build,
  settings: Readonly<Record<string, string>>,
): Promise<string> {
  const subgraphs = PEER_SYSTEMS.map((name) => ({
    name,
    url: `${settings[URL_SETTINGS[name]] ?? ''}/graphql`,
    sdl: SUBGRAPHS[name],
  }));
  // Composes in a separate process, so that its memory is released.
  const composed = execFileSync(process.execPath, [join(folder, 'test/bench/peers/compose.mjs')], {
    input: JSON.stringify(subgraphs),
  });
  const path = join(folder, 'supergraph.graphql');
  await writeFile(path, composed);
  return path;
}
