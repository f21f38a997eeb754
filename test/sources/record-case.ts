import type { Person, World } from '../../sources/stand-ins/world.js';
import type { Place } from './tampering.js';

/** Describes how `records.test.ts` changes the answers to one loader. */
export interface RecordCase {
  /** Keys that the stand-in knows. */
  keys: readonly unknown[];
  /** Other keys, whose records are inserted into the answers for `keys`. */
  others: readonly unknown[];
  /** The loader of `others`. Default: the same loader. */
  othersBy?: string;
  /** Lists whose records are matched by key. Default: none, if each call answers one key. */
  lists?: Place;
  /** Lists whose items are matched only by position, such as the parts of a batch. */
  positions?: Place;
  /** The name of a column with the index of the key. Rows of `others` receive indexes beyond those of `keys`. */
  index?: string;
  /** A list of referenced objects. It contains the objects of all answers. */
  included?: Place;
  /** The reason why the loader omits records that were not requested, instead of an error. */
  loose?: string;
  /** The reason why records of another key cannot be recognised. Then records are only repeated and reordered. */
  anonymous?: string;
}

/** Returns two `keys` and two `others`, or one key and the other values if there are fewer than four. */
export function splitKeys(found: readonly unknown[]): Pick<RecordCase, 'keys' | 'others'> {
  const count = found.length < 4 ? 1 : 2;
  if (found.length < 2) throw new Error('The seed data has too few records.');
  return { keys: found.slice(0, count), others: found.slice(count, 4) };
}

/** Returns the ordinary customers that a system knows. */
export function peopleWith<Part extends keyof Person>(
  { people }: World,
  part: Part,
  fits: (nonNullable: NonNullable<Person[Part]>, person: Person) => boolean = () => true,
): (Person & Record<Part, NonNullable<Person[Part]>>)[] {
  const isKnown = (person: Person): person is Person & Record<Part, NonNullable<Person[Part]>> => {
    const nonNullable = person[part];
    return nonNullable !== undefined && fits(nonNullable, person);
  };
  return people.filter((person) => /^customer-/.test(person.email)).filter(isKnown);
}
