import { sources } from '../../sources/index.js';
import type { GatewayOptions } from '../gateway.js';
import { isProject } from '../project/project-folder.js';

/**
 * The options of the gateway that this process runs: those of the project folder, if the working directory is one, else the
 * built-in sources with the settings in the environment. Each call reads the files again.
 */
export async function readOptions(): Promise<GatewayOptions> {
  const folder = process.cwd();
  if (!isProject(folder)) return { sources };
  const { loadProject } = await import('../project/load-project.js');
  return loadProject(folder, sources, process.env);
}
