import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { describe, expect, test } from 'vitest';
import { sources } from '../../sources/index.js';
import { freshness, overridden } from '../../src/cache/freshness.js';
import { SettingsReader } from '../../src/settings.js';
import type { SourceDefinition } from '../../src/source.js';
import { tuned, variableOf } from '../../src/source-settings.js';

// Compares the page of each source with its code: the settings, and the freshness of answers.
const pageOf = ({ name }: SourceDefinition) => new URL(`../../sources/${name}/README.md`, import.meta.url);
const BLOCK = /(?<=<!-- freshness -->\n)[^]*(?=<!-- \/freshness -->)/;
/** The maximum width of the first column, in characters. The other columns need about 75. */
const MAX_NAMES_WIDTH = 60;
const ALL = [
  ['ms', 1_000],
  ['s', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', Infinity],
] as const;

/** Writes a duration, such as `1.5 minutes` for 90,000 ms. */
function asWritten(ms: number): string {
  if (ms === 0) return '0 s';
  let amount = ms;
  for (const [unit, size] of ALL) {
    if (amount < size) return `${amount} ${unit}${['ms', 's'].includes(unit) || amount === 1 ? '' : 's'}`;
    amount /= size;
  }
  throw new Error('The duration is too long.');
}

/** Splits the names into groups that fit the first column of a table of at most 140 columns. */
function groupedByWidth(names: readonly string[]): string[] {
  const groups: string[] = [];
  for (const name of names) {
    const longer = groups.length === 0 ? name : `${groups.at(-1) ?? ''}, ${name}`;
    if (groups.length > 0 && longer.length > MAX_NAMES_WIDTH) groups.push(name);
    else groups.splice(-1, 1, longer);
  }
  return groups;
}

/** The table of the freshness of each loader, from the code and without settings. */
function table(source: SourceDefinition): string {
  const [tunedSource] = tuned([source], new SettingsReader({}));
  const { freshness: ofSource = {}, loaderSettings = {} } = tunedSource ?? {};
  const { identity, consents, loaders = [] } = source;
  const map = new Map(
    [...Object.values(identity?.foundBy ?? {}).map(({ loader }) => loader), ...loaders].map((loader) => [
      loader.name,
      loader.freshness,
    ]),
  );
  const rows = Object.keys(loaderSettings)
    .filter((name) => name !== consents?.ofRecord.name)
    .map((name) => {
      const { maxAgeMs, staleWhileRevalidateMs, staleIfErrorMs, notFoundMaxAgeMs } = freshness(
        overridden(map.get(name) ?? {}, loaderSettings[name]?.freshness),
        ofSource,
      );
      return {
        name,
        times: [maxAgeMs, staleWhileRevalidateMs, staleIfErrorMs, notFoundMaxAgeMs].map(asWritten),
      };
    });
  const groups = new Map<string, string[]>();
  for (const { name, times } of rows) {
    const key = times.join(' | ');
    groups.set(key, [...(groups.get(key) ?? []), `\`${name}\``]);
  }
  const lines = [...groups].flatMap(([times, names]) =>
    groupedByWidth(names).map((group) => `| ${group} | ${times} |`),
  );
  const consent =
    consents === undefined
      ? []
      : [`| \`${consents.ofRecord.name}\`: consent, which no setting changes | 5 s | 0 s | 0 s | 5 s |`];
  return [
    '| loaders | `maxAge` | `staleWhileRevalidate` | `staleIfError` | `notFoundMaxAge` |',
    '| --- | --- | --- | --- | --- |',
    ...lines,
    ...consent,
  ].join('\n');
}

describe.each(sources.map((source) => [source.name, source] as const))('the README of %s', (name, source) => {
  const text = readFileSync(pageOf(source), 'utf8');

  test('names every setting that the source reads', () => {
    const { connector, webhook, outbox } = source;
    const read = [
      ...connector.settings(new SettingsReader({})),
      ...(webhook === undefined ? [] : [webhook.secrets]),
      ...(webhook?.handshakeToken === undefined ? [] : [webhook.handshakeToken]),
      ...(outbox === undefined ? [] : [outbox.url]),
    ].map(({ variable }) => variable);
    const missing = [...read, variableOf(name, 'FRESHNESS'), variableOf(name, 'LIMITS')].filter(
      (variable) => !text.includes(`\`${variable}\``),
    );
    expect(missing).toEqual([]);
  });

  test('names each purpose for which the system holds consent', () => {
    for (const purpose of source.consents?.purposes ?? []) expect(text).toContain(purpose);
  });

  test('states the freshness of each loader', async () => {
    const style = await resolveConfig(pageOf(source));
    const block = `\n${await format(table(source), { ...style, parser: 'markdown' })}\n`;
    if (process.env.UPDATE_README === '1') {
      expect(text).toMatch(BLOCK);
      writeFileSync(
        pageOf(source),
        text.replace(BLOCK, () => block),
      );
      return;
    }
    expect(
      BLOCK.exec(text)?.[0],
      'The table differs from the code. To renew it: UPDATE_README=1 npx vitest run test/sources/pages.test.ts',
    ).toBe(block);
  });
});
