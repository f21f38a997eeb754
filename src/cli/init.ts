import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineCommand } from 'citty';
import { z } from 'zod';
import { InvalidInputError } from '../errors.js';

const TEMPLATE = fileURLToPath(new URL('../project/template/', import.meta.url));
/** npm does not pack files with these names unchanged, so the template has other names for them. */
const RENAMED = {
  gitignore: '.gitignore',
  'env.example': '.env.example',
  'workflows/ci.yml': '.github/workflows/ci.yml',
};
const Manifest = z.looseObject({ version: z.string() });
const ProjectManifest = z.looseObject({ dependencies: z.record(z.string(), z.string()) });

export const init = defineCommand({
  meta: {
    name: 'init',
    description: 'Creates a project folder with an example source. Example: stekkerdoos init my-gateway',
  },
  args: {
    folder: {
      type: 'positional',
      description: 'A new or empty folder. Default: the current folder',
      default: '.',
    },
  },
  run: ({ args: { folder } }) => {
    const path = resolve(folder);
    const others = existsSync(path) ? readdirSync(path).filter((name) => !IGNORED.test(name)) : [];
    if (others.length > 0)
      throw new InvalidInputError(
        `${path} is not empty: it has ${others.slice(0, 3).join(', ')}. Name a new folder.`,
      );
    writeProject(path);
    const enter = folder === '.' ? '' : `  cd ${folder}\n`;
    process.stdout.write(
      `Made ${path}. Next:\n\n${enter}  npm install\n  npm run example &\n  npm run dev\n\nSee README.md in it.\n`,
    );
  },
});

/** Files of a folder in which the package was installed before. */
const IGNORED = /^(node_modules|package\.json|package-lock\.json|\.git)$/;

function writeProject(path: string): void {
  cpSync(TEMPLATE, path, { recursive: true });
  for (const [from, to] of Object.entries(RENAMED)) {
    mkdirSync(dirname(join(path, to)), { recursive: true });
    renameSync(join(path, from), join(path, to));
  }
  const secret = `ID_SECRET=${randomBytes(24).toString('base64url')}`;
  const example = readFileSync(join(path, '.env.example'), 'utf8');
  writeFileSync(join(path, '.env'), example.replace('ID_SECRET=', secret), { mode: 0o600 });
  for (const folder of ['schema/operations', 'schema/triggers', 'schema/audiences']) {
    mkdirSync(join(path, folder), { recursive: true });
    writeFileSync(join(path, folder, '.gitkeep'), '');
  }
  const manifest = join(path, 'package.json');
  const project = ProjectManifest.parse(JSON.parse(readFileSync(manifest, 'utf8')));
  const name = basename(path)
    .toLowerCase()
    .replace(/[^a-z\d-]+/g, '-');
  const dependencies = { ...project.dependencies, stekkerdoos: `^${packageVersion()}` };
  writeFileSync(manifest, `${JSON.stringify({ ...project, name, dependencies }, null, 2)}\n`);
}

/** The version in the package.json above this file, in the repository and in the installed package. */
function packageVersion(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const path = join(folder, 'package.json');
    if (existsSync(path)) return Manifest.parse(JSON.parse(readFileSync(path, 'utf8'))).version;
  }
}
