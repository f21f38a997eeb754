import { suggestionList } from 'graphql/jsutils/suggestionList.js';

/** The end of a message about an unknown name: the known name that is spelt most like it, when there is one. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const [nearest] = suggestionList(name, [...known]);
  return nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
}
