import type { TestProject } from 'vitest/node';
import { build, type Build } from '../bench/processes.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The compiled code that all guards start. It is removed after the last one. */
    guardBuild: Pick<Build, 'folder'>;
  }
}

export default async function compileGateway(project: TestProject): Promise<() => void> {
  const { folder, remove } = await build();
  project.provide('guardBuild', { folder });
  return remove;
}
