import type { HttpAnswer } from '../../stand-ins/http.js';
import { ok } from './answers.js';
import { optOutProperties, type Collection } from './objects.js';

const yesOrNo = [
  { label: 'Yes', value: 'true', hidden: false, displayOrder: 0 },
  { label: 'No', value: 'false', hidden: false, displayOrder: 1 },
];

/**
 * All properties of a type, without pages. Most have the type text here, even if their real type is another.
 */
export function listProperties({ propertyNames }: Collection): HttpAnswer {
  const labels = new Map(optOutProperties.map(({ name, label }) => [name, label]));
  return ok({
    results: propertyNames.map((name) => {
      const label = labels.get(name);
      const isFlag = label !== undefined;
      return {
        name,
        label: label ?? name.replaceAll('_', ' '),
        description: '',
        groupName: isFlag ? 'emailinformation' : 'information',
        type: isFlag ? 'enumeration' : 'string',
        fieldType: isFlag ? 'booleancheckbox' : 'text',
        options: isFlag ? yesOrNo : [],
        hasUniqueValue: false,
        hidden: false,
        formField: false,
        archived: false,
      };
    }),
  });
}
