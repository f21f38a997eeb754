import { defineCommand } from 'citty';
import { newKey, readApiKeys } from '../context/api-keys.js';
import { InvalidInputError } from '../errors.js';

const create = defineCommand({
  meta: { name: 'new', description: 'Makes an API key and shows it, once' },
  args: {
    name: { type: 'string', required: true, description: 'Who gets it, as the audit log will say' },
    role: { type: 'string', required: true, description: 'What the caller may do, such as frontend' },
  },
  run: ({ args: { name, role } }) => {
    const { key, sha256 } = newKey();
    const entry = JSON.stringify({ name, roles: [role], sha256: [sha256] });
    // The gateway's own reader, so that what is shown here is what the gateway starts with.
    const problems: string[] = [];
    readApiKeys(`[${entry}]`, problems);
    if (problems.length > 0) throw new InvalidInputError(problems.join('\n'));
    process.stderr.write(
      'The key is kept nowhere: hand it to the caller, to be sent as `Authorization: Bearer <key>`. The entry goes into the list in API_KEYS.\n',
    );
    process.stdout.write(`key ${key}\nentry ${entry}\n`);
  },
});

export const keys = defineCommand({
  meta: { name: 'keys', description: 'API keys of callers' },
  subCommands: { new: create },
});
