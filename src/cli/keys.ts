import { defineCommand } from 'citty';
import { newKey, readApiKeys } from '../context/api-keys.js';
import { InvalidInputError } from '../errors.js';

const create = defineCommand({
  meta: { name: 'new', description: 'Makes an API key and prints it once' },
  args: {
    name: { type: 'string', required: true, description: 'The name of the caller in the audit log' },
    role: { type: 'string', required: true, description: 'The role of the caller, such as frontend' },
  },
  run: ({ args: { name, role } }) => {
    const { key, sha256 } = newKey();
    const entry = JSON.stringify({ name, roles: [role], sha256: [sha256] });
    // Checked by the reader that the gateway uses at start.
    const problems: string[] = [];
    readApiKeys(`[${entry}]`, problems);
    if (problems.length > 0) throw new InvalidInputError(problems.join('\n'));
    process.stderr.write(
      'The key is not stored. Give it to the caller, who sends it as `Authorization: Bearer <key>`. Add the entry to the list in API_KEYS.\n',
    );
    process.stdout.write(`key ${key}\nentry ${entry}\n`);
  },
});

export const keys = defineCommand({
  meta: { name: 'keys', description: 'API keys of callers' },
  subCommands: { new: create },
});
