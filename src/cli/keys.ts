import { defineCommand } from 'citty';
import { newKey, readApiKeys } from '../context/api-keys.js';
import { readRoles } from '../context/role-settings.js';
import { GATEWAY_SETTINGS } from '../config.js';
import { InvalidInputError } from '../errors.js';
import { isProject } from '../project/project-folder.js';
import { SettingsReader } from '../settings.js';

const create = defineCommand({
  meta: {
    name: 'new',
    description:
      'Makes an API key and prints it once. Example: stekkerdoos keys new --name shop --role frontend',
  },
  args: {
    name: { type: 'string', required: true, description: 'The name of the caller in the audit log' },
    role: { type: 'string', required: true, description: 'The role of the caller, such as frontend' },
  },
  run: async ({ args: { name, role } }) => {
    const { key, sha256 } = newKey();
    const entry = JSON.stringify({ name, roles: [role], sha256: [sha256] });
    // Checked by the readers that the gateway uses at start.
    // Only a custom role needs the sources, for their scopes.
    const hasRoles =
      isProject(process.cwd()) || new SettingsReader(process.env).isPresent(GATEWAY_SETTINGS.roles);
    const {
      sources,
      leftOut = [],
      environment,
      declared,
    } = hasRoles ? await (await import('../process/options.js')).readOptions() : { sources: [], leftOut: [] };
    const settings = new SettingsReader(environment ?? process.env, declared);
    const all = { all: [...sources, ...leftOut], pluggedIn: [] };
    const roles = readRoles(settings.read(GATEWAY_SETTINGS.roles), all, settings);
    const { problems } = settings;
    readApiKeys(`[${entry}]`, roles, problems);
    if (problems.length > 0) throw new InvalidInputError(problems.join('\n'));
    process.stderr.write(
      'The key is not stored. Give it to the caller, who sends it as `Authorization: Bearer <key>`. Add the entry to the list in API_KEYS.\n',
    );
    process.stdout.write(`key ${key}\nentry ${entry}\n`);
  },
});

export const keys = defineCommand({
  meta: { name: 'keys', description: 'API keys of callers.' },
  subCommands: { new: create },
});
