import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The file with the settings of a project folder. Its presence makes a folder a project. */
export const GATEWAY_FILE = 'gateway.yaml';

export function isProject(folder: string): boolean {
  return existsSync(join(folder, GATEWAY_FILE));
}
