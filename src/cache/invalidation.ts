import type { Keys } from './keys.js';

/** A subject of an answer: a customer by an identifier, or another object by its type in the schema and its key. */
export type Subject = { namespace: string; value: string } | { type: string; key: string };

/** What to forget: all answers about a subject, of a source, or of one of its loaders. */
export type Forgettable = Subject | { source: string; loader?: string };

/** Computes the tags of answers. A tag is the digest of a subject. */
export interface Tags {
  /**
   * The tags of one answer. An answer about a customer also gets the tags of the customer's other identifiers, as far
   * as they are linked. Undefined `subjects` mean that it may be about any customer.
   */
  of(source: string, loader: string, subjects: readonly Subject[] | undefined): string[];
  /** Links the identifiers of one customer for `retentionMs` milliseconds. */
  link(subjects: readonly Subject[], retentionMs: number): void;
  /** The tags whose answers must be dropped to forget this. */
  tagsToForget(what: Forgettable): string[];
}

/**
 * Bound on the tags reached through links. A customer has a few identifiers, but a company's switchboard
 * number would link to every customer.
 */
const MAX_LINKED = 200;
/** Expired links are removed after this many calls of `link`. */
const LINKS_PER_SWEEP = 10_000;

export function createTags(keys: Keys, clock: { now(): number }): Tags {
  const links = new Map<string, { to: Set<string>; until: number }>();
  const anyCustomer = keys.tag('anybody');
  let linkCalls = 0;

  // The tags of a source and a loader are equal for all of their answers, so they are computed once.
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
      ...(subjects === undefined ? [anyCustomer] : withLinked(subjects.map(tagOf))),
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
      linkCalls += 1;
      if (linkCalls % LINKS_PER_SWEEP !== 0) return;
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
      for (const linkedTag of all) links.delete(linkedTag);
      return [...all, anyCustomer];
    },
  };
}
