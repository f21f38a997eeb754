import type { Keys } from './keys.js';

/** What an answer is about: a customer, by an identifier, or anything else, by its type in the schema and its key. */
export type Subject = { namespace: string; value: string } | { type: string; key: string };

/** What is to be forgotten: all answers about a subject, of a source, or of one of its loaders. */
export type Forgettable = Subject | { source: string; loader?: string };

/** Tells what answers are about, as digests. */
export interface Tags {
  /**
   * The tags of one answer. What is said to be about a customer also gets the customer's other identifiers, as far
   * as the answers told that are linked; nothing said means that it may be about anybody.
   */
  of(source: string, loader: string, subjects: readonly Subject[] | undefined): string[];
  /** Notes that identifiers are one customer's, for as long as such notes may matter. */
  link(subjects: readonly Subject[], retentionMs: number): void;
  /** What is to be dropped for this to be forgotten. */
  tagsToForget(what: Forgettable): string[];
}

/** One customer has a handful of identifiers; a telephone exchange's number leads to everybody, and no further. */
const MAX_LINKED = 200;
const SWEEP_EVERY = 10_000;

export function createTags(keys: Keys, clock: { now(): number }): Tags {
  const links = new Map<string, { to: Set<string>; until: number }>();
  const anybody = keys.tag('anybody');
  let linked = 0;

  // Of all that a source answers they are the same.
  const tagsOfLoaders = new Map<string, readonly string[]>();
  const tagsOfLoader = (source: string, loader: string): readonly string[] => {
    const name = `${source}\n${loader}`;
    let known = tagsOfLoaders.get(name);
    if (known === undefined)
      tagsOfLoaders.set(name, (known = [keys.tag('source', source), keys.tag('loader', source, loader)]));
    return known;
  };

  const tagOf = (subject: Subject): string =>
    'namespace' in subject
      ? keys.tag('customer', subject.namespace, subject.value)
      : keys.tag('object', subject.type, subject.key);

  const withLinked = (tags: readonly string[]): Set<string> => {
    const all = new Set(tags);
    for (const tag of all) {
      if (all.size > MAX_LINKED) break;
      for (const other of links.get(tag)?.to ?? []) all.add(other);
    }
    return all;
  };

  return {
    of: (source, loader, subjects) => [
      ...tagsOfLoader(source, loader),
      ...(subjects === undefined ? [anybody] : withLinked(subjects.map(tagOf))),
    ],
    link: (subjects, retentionMs) => {
      if (subjects.length < 2) return;
      const until = clock.now() + retentionMs;
      const tags = subjects.map(tagOf);
      for (const tag of tags) {
        const known = links.get(tag);
        if (known === undefined) links.set(tag, { to: new Set(tags), until });
        else {
          for (const other of tags) known.to.add(other);
          known.until = Math.max(known.until, until);
        }
      }
      linked += 1;
      if (linked % SWEEP_EVERY !== 0) return;
      for (const [tag, { until: end }] of links) if (end < clock.now()) links.delete(tag);
    },
    tagsToForget: (what) => {
      if ('source' in what)
        return [
          what.loader === undefined
            ? keys.tag('source', what.source)
            : keys.tag('loader', what.source, what.loader),
        ];
      const tag = tagOf(what);
      if (!('namespace' in what)) return [tag];
      const all = withLinked([tag]);
      for (const one of all) links.delete(one);
      return [...all, anybody];
    },
  };
}
