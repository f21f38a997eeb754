import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { editorSchema } from '../../src/project/editor-schema.js';
import { SCHOOL_YAML } from '../declared/driving-school.js';
import { WARRANTY_YAML } from '../declared/warranty.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const schema = JSON.parse(read('schema/stekkerdoos.schema.json')) as object;
const validate = new Ajv({ strict: false }).compile(schema);
const isValid = (yaml: string): boolean => validate(parse(yaml));

const SETTINGS = `
port: 4000
auth: off
auditRequired: false
corsOrigins: [https://www.example.nl]
idSecret: { file: /run/secret }
redisUrl: { variable: MY_REDIS }
roles: { operator: { scopes: [default, warranty:read], sees: clear } }
sources:
  loyalty: { url: http://127.0.0.1, limits: { timeout: 800 ms } }
  kvk: false
`;

describe('stekkerdoos.schema.json', () => {
  it('is generated from the shapes that the gateway checks', () => {
    expect(schema).toEqual(JSON.parse(JSON.stringify(editorSchema())));
  });

  it('is named in the first line of the gateway.yaml that init writes', () => {
    const [first] = read('src/project/template/gateway.yaml').split('\n');
    expect(first).toBe(
      '# yaml-language-server: $schema=node_modules/stekkerdoos/dist/schema/stekkerdoos.schema.json',
    );
    expect(read('package.json')).toContain(
      '"./stekkerdoos.schema.json": "./dist/schema/stekkerdoos.schema.json"',
    );
  });

  test.each([
    ['settings', SETTINGS],
    ['no settings', ''],
    ['the settings that init writes', read('src/project/template/gateway.yaml')],
    ['a source over REST', WARRANTY_YAML],
    ['a database', SCHOOL_YAML],
  ])('accepts %s', (_, yaml) => {
    expect(isValid(yaml), JSON.stringify(validate.errors)).toBe(true);
  });

  test.each([
    ['a misspelt setting', SETTINGS, ['port:', 'prot:']],
    ['an unknown value of a setting', SETTINGS, ['auth: off', 'auth: of']],
    ['a secret', SETTINGS, ['{ file: /run/secret }', 'a-secret-in-the-file']],
    ['a misspelt member of a role', SETTINGS, ['sees: clear', 'see: clear']],
    ['an unknown value of a role', SETTINGS, ['sees: clear', 'sees: all']],
    ['a limit with an unknown unit', SETTINGS, ['800 ms', '800 msec']],
    ['a misspelt member of a source', WARRANTY_YAML, ['freshness:', 'fresness:']],
    ['a call without a path', WARRANTY_YAML, ['byId: { get:', 'byId: { got:']],
    ['a value that is not a variable', WARRANTY_YAML, ['"${WARRANTY_TOKEN}"', 'secret-token']],
    ['an unknown conversion', WARRANTY_YAML, ['money: {', 'munny: {']],
    ['a member of another connector', SCHOOL_YAML, ['by: id', 'get: /id']],
  ] as const)('refuses %s', (_, yaml, [from, to]) => {
    expect(yaml).toContain(from);
    expect(isValid(yaml.replace(from, to))).toBe(false);
  });

  it('accepts each example in the README of declared sources', () => {
    const page = read('src/declared/README.md');
    const parts = [...page.matchAll(/^```yaml\n([^]*?)^```$/gm)].map(([, text = '']) => text);
    const others = parts.filter((part) => !part.startsWith('source:'));
    expect(others.length).toBeGreaterThan(10);
    for (const part of others) {
      const yaml = stringify({ ...(parse(WARRANTY_YAML) as object), ...(parse(part) as object) });
      expect(isValid(yaml), part).toBe(true);
    }
  });
});
