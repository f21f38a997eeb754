import type { Decisions, Draft, DraftField } from '../../../src/connect/draft.js';
import { classified } from './write-project.js';

/** Common parts of the drafts of all kinds of systems. */

export interface Drafted {
  draft: Draft;
  decisions: Decisions;
}

type FieldOptions = Partial<Omit<DraftField, 'name' | 'from'>>;

export const field = (
  name: string,
  from: string,
  type = 'String',
  options: FieldOptions = {},
): DraftField => ({
  ...{ name, from, type, isList: false, isNullable: true, samples: [] },
  ...options,
});

export const id = classified('IDENTITY', 'LAST_FOUR');
export const named = classified('IDENTITY', 'INITIAL');
export const email = classified('CONTACT', 'EMAIL');
export const order = classified('TRANSACTION');

export const people = [
  { n: 4471, mail: 'Sanne.Prins@Voorbeeld.nl', tel: '06-48213377', firstName: 'Sanne', family: 'Prins' },
  { n: 4472, mail: 'teun.vos@voorbeeld.nl', tel: '06-48213388', firstName: 'Teun', family: 'Vosmeer' },
  { n: 4473, mail: 'lotte@bosbouw.nl', tel: '030 7601234', firstName: 'Lotte', family: 'Boswachter' },
];
