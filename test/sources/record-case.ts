import type { Person, World } from '../../sources/stand-ins/world.js';
import type { Place } from './tampering.js';

/** How the records of one loader are put out of order in `records.test.ts`. */
export interface RecordCase {
  /** Keys that the stand-in knows. */
  keys: readonly unknown[];
  /** Other keys, whose records are put into the answers for `keys`. */
  others: readonly unknown[];
  /** The loader that `others` are keys of. Default: the same one. */
  othersBy?: string;
  /** Lists in which a record is matched by its key. Default: none, since each call answers one key. */
  lists?: Place;
  /** Lists in which the position of an answer is all there is, as the parts of a batch. */
  positions?: Place;
  /** A number in each row that stands for one of the keys, so that those of `others` are given other numbers. */
  index?: string;
  /** A list that records refer to: it holds those of all answers. */
  included?: Place;
  /** Why a record that no key requested is left out here, and is not an error. */
  loose?: string;
  /** Why the records of another key cannot be distinguished. They are then only repeated and put in another order. */
  anonymous?: string;
}

/** Two for keys and two others; one and the rest when there are fewer. */
export function four(found: readonly unknown[]): Pick<RecordCase, 'keys' | 'others'> {
  const count = found.length < 4 ? 1 : 2;
  if (found.length < 2) throw new Error('The world has too few of these.');
  return { keys: found.slice(0, count), others: found.slice(count, 4) };
}

/** The ordinary customers that a system knows. */
export function having<Part extends keyof Person>(
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
