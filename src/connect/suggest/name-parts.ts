import { FAMILY_NAME, FULL_NAME, GIVEN_NAME, INITIALS_NAME, MIDDLE_NAME, OF_OTHERS } from './names.js';
import type { RecordField } from './record-fields.js';

/** A name in one of these objects is not the customer's name. */
const OF_THINGS =
  /_(?:company|organi[sz]ation|bedrijf|firma|firmen|societe|entreprise|user|login|file|product|site|page|event|campaign|device|os|app|browser|street|city|country|bank|group|plan|role|status|type|tag)_(?:name|naam|nom)?/;

/** The paths of the parts of a person's name, in the order of writing. Empty if the record has none. */
export function nameParts(fields: readonly RecordField[]): string[] {
  const usable = fields
    .filter(
      ({ pathName, isInList, field }) =>
        !isInList && !field.isList && !OF_OTHERS.test(pathName) && !OF_THINGS.test(pathName),
    )
    .filter(({ field }) => field.type === 'String' || field.type === 'ID')
    .toSorted((a, b) => a.depth - b.depth);
  const find = (name: RegExp, beside?: RecordField) =>
    usable.find(
      (record) => name.test(record.name) && (beside === undefined || parentOf(record) === parentOf(beside)),
    );
  const givenName = find(GIVEN_NAME) ?? find(INITIALS_NAME);
  const family = givenName === undefined ? find(FAMILY_NAME) : find(FAMILY_NAME, givenName);
  const full = usable.find(
    ({ name }) =>
      FULL_NAME.test(name) && ![GIVEN_NAME, FAMILY_NAME, MIDDLE_NAME].some((part) => part.test(name)),
  );
  const parts = [
    givenName,
    givenName === undefined ? undefined : find(MIDDLE_NAME, givenName),
    family,
  ].filter((part) => part !== undefined);
  // The name of a company has no parts, so some records do not have them.
  const isComplete = givenName !== undefined && family !== undefined && countOf(family) >= countOf(full);
  const chosen = full === undefined || (isComplete && full.depth >= givenName.depth) ? parts : [full];
  return chosen.map(({ path }) => path);
}

function countOf(record: RecordField | undefined): number {
  return record?.values.texts.length ?? 0;
}

function parentOf({ path }: RecordField): string {
  return path.split('.').slice(0, -1).join('.');
}
