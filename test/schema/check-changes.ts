import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { breakingChanges } from './breaking-changes.js';

/**
 * Compares schema/gateway.graphql with that of the last release, which is the last tag `v*`. Fails if a change breaks a
 * client and was not deprecated in that release. Before the first release, it compares with main and only reports.
 */
const SCHEMA = 'schema/gateway.graphql';

function git(...args: string[]): string | undefined {
  try {
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return undefined;
  }
}

const release = git('describe', '--tags', '--abbrev=0', '--match', 'v*')?.trim();
const base =
  release ?? (git('merge-base', 'HEAD', 'main') ?? git('merge-base', 'HEAD', 'origin/main'))?.trim();
const before = base === undefined ? undefined : git('show', `${base}:${SCHEMA}`);
if (before === undefined) {
  process.stderr.write(`No release and no branch main to compare ${SCHEMA} with: fetch tags and main.\n`);
} else {
  const changes = await breakingChanges(before, readFileSync(SCHEMA, 'utf8'));
  for (const change of changes) process.stderr.write(`${SCHEMA} breaks clients: ${change}\n`);
  if (changes.length > 0 && release !== undefined) {
    process.stderr.write(
      `Compared with ${release}. Restore what clients use, mark it @deprecated, and remove it after a release: schema/README.md, "Deprecation".\n`,
    );
    process.exitCode = 1;
  }
}
