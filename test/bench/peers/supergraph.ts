import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Build } from '../processes.js';
import { SUBGRAPHS } from './subgraphs.js';
import { PEER_SYSTEMS, URL_SETTINGS } from './systems.js';

/** Composes what the systems tell as subgraphs at their addresses; the path of the file with the outcome. */
export async function writeSupergraph(
  { folder }: Build,
  settings: Readonly<Record<string, string>>,
): Promise<string> {
  const subgraphs = PEER_SYSTEMS.map((name) => ({
    name,
    url: `${settings[URL_SETTINGS[name]] ?? ''}/graphql`,
    sdl: SUBGRAPHS[name],
  }));
  // A process of its own: composing takes memory that a gateway would then seem to take.
  const composed = execFileSync(process.execPath, [join(folder, 'test/bench/peers/compose.mjs')], {
    input: JSON.stringify(subgraphs),
  });
  const path = join(folder, 'supergraph.graphql');
  await writeFile(path, composed);
  return path;
}
