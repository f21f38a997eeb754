import type { Decisions, Draft, DraftField, DraftType, FieldPrivacy, Finding } from '../draft.js';
import { wordsOf } from '../words.js';
import { nationalNumber } from './bsn.js';
import { lastWords, OF_OTHERS, OWN_NUMBER_NAME, partsOf, wordsIn } from './names.js';
import type { DataCategory, Mask } from '../../customer/schema.generated.js';
import { PLAIN_NAME, PLAIN_NAME_OF_THINGS, TYPE_CATEGORIES } from './plain-names.js';
import { NAME_RULES, PERSON_NAME, SECRET_NAME, SENSITIVE_NAME } from './privacy-names.js';
import { valuesOf, type Values } from './record-fields.js';
import { areChoices, areLinks, areRandom, contradictionIn, haveDigits, kindOfValues } from './value-kinds.js';

/** Only texts can be masked. */
const MASKED_TYPES = new Set(['String', 'ID', 'Date']);

const ALL_PURPOSES = ['SERVICE', 'PERSONALISATION', 'MARKETING', 'ANALYTICS', 'CUSTOMER_CARE'];
const NOT_FOR_PAGES = ['SERVICE', 'MARKETING', 'ANALYTICS', 'CUSTOMER_CARE'];
const NOT_FOR_OFFERS = ['SERVICE', 'ANALYTICS', 'CUSTOMER_CARE'];
const NOT_FOR_CARE = ['SERVICE', 'PERSONALISATION', 'MARKETING', 'ANALYTICS'];

/** The purposes and the scope of each category, the same as in the built-in sources. */
const ACCESS: Readonly<
  Record<Exclude<DataCategory, 'NONE'>, { purposes: readonly string[]; scope: string }>
> = {
  IDENTITY: { purposes: ALL_PURPOSES, scope: 'profile:read' },
  CONTACT: { purposes: NOT_FOR_PAGES, scope: 'contact:read' },
  TRAIT: { purposes: ALL_PURPOSES, scope: 'profile:read' },
  TRANSACTION: { purposes: ALL_PURPOSES, scope: 'orders:read' },
  FINANCIAL: { purposes: NOT_FOR_OFFERS, scope: 'invoices:read' },
  BEHAVIOUR: { purposes: NOT_FOR_CARE, scope: 'behaviour:read' },
  COMMUNICATION: { purposes: NOT_FOR_OFFERS, scope: 'tickets:read' },
  RELATION: { purposes: NOT_FOR_CARE, scope: 'relation:read' },
  SOCIAL: { purposes: NOT_FOR_PAGES, scope: 'social:read' },
  CONSENT: { purposes: NOT_FOR_PAGES, scope: 'relation:read' },
  COMPANY: { purposes: NOT_FOR_PAGES, scope: 'companies:read' },
};

type Shown = Extract<FieldPrivacy, { category: string }>;

/** The classification of a field, before its access rules. */
interface Recognised {
  category: DataCategory;
  mask?: Mask;
  evidence: string;
}

/**
 * Suggests the privacy category of each field of a draft, and who may see it. The evidence contains no
 * values.
 */
export function suggestPrivacy(draft: Draft): {
  privacy: Decisions['privacy'];
  findings: readonly Finding[];
} {
  const types = [draft.customer, ...Object.values(draft.types)];
  const categories = typeCategories(draft);
  const privacy = Object.fromEntries(
    types.flatMap((type) =>
      type.fields.map((field): [string, FieldPrivacy] => [
        `${type.name}.${field.name}`,
        new FieldSuggester(draft, type, field, categories).suggest(),
      ]),
    ),
  );
  return { privacy, findings: findingsOf(privacy) };
}

class FieldSuggester {
  readonly #draft: Draft;
  readonly #type: DraftType;
  readonly #field: DraftField;
  readonly #ofTypes: ReadonlyMap<string, DataCategory>;
  readonly #base: DataCategory;
  readonly #values: Values;
  /** The words of its name, of its name and that of its object, and of the whole path. */
  readonly #names: readonly string[];

  constructor(draft: Draft, type: DraftType, field: DraftField, ofTypes: ReadonlyMap<string, DataCategory>) {
    const parts = partsOf(field.from === '.' ? field.name : field.from);
    this.#draft = draft;
    this.#type = type;
    this.#field = field;
    this.#ofTypes = ofTypes;
    this.#base = ofTypes.get(type.name) ?? 'RELATION';
    this.#values = valuesOf(field);
    this.#names = [lastWords(parts), ...[parts.slice(-2), parts].map((last) => wordsIn(last.join('_')))];
  }

  suggest(): FieldPrivacy {
    const object = this.#ofTypes.get(this.#field.type);
    if (object !== undefined)
      return this.#access({ category: object, evidence: `objects of the type ${this.#field.type}` });
    const leftOut = this.#leftOut();
    if (leftOut !== undefined) return { leftOutBecause: leftOut };
    const [name = ''] = this.#names;
    if (nationalNumber(name, this.#values) === 'maybe')
      return this.#heldBack('the few values may be national identification numbers');
    if (this.#is(SENSITIVE_NAME))
      return this.#heldBack(
        'its name suggests a special category of personal data (GDPR, article 9), such as health',
      );
    const recognised = this.#byValues() ?? this.#byName();
    if (typeof recognised === 'object') return this.#access(recognised);
    return this.#heldBack(recognised ?? 'neither its name nor its values were recognised');
  }

  #is(pattern: RegExp): boolean {
    return pattern.test(this.#names[0] ?? '');
  }

  #leftOut(): string | undefined {
    const [name = '', withObject = ''] = this.#names;
    if (nationalNumber(name, this.#values) === 'yes')
      return 'it has national identification numbers, such as a BSN. Processing them needs a legal basis';
    const isText =
      this.#field.type !== 'Boolean' && this.#field.type !== 'DateTime' && this.#field.type !== 'Date';
    const isHash = /_(?:e_?)?mail_/.test(name);
    if (isText && !isHash && (SECRET_NAME.test(name) || SECRET_NAME.test(withObject)))
      return 'its name suggests a secret';
    const kind = kindOfValues(this.#values);
    if (kind?.isForbidden === true)
      return `${kind.count} of ${this.#values.texts.length} samples are ${kind.label}`;
    // Ids, devices and addresses of pictures have random characters too.
    if (areRandom(this.#values) && this.#field.from !== this.#type.id && this.#nameRule() === undefined)
      return 'its values look like hashes or tokens';
    return undefined;
  }

  #byValues(): Recognised | undefined {
    const kind = kindOfValues(this.#values);
    if (kind === undefined || kind.isForbidden) return undefined;
    // The rule by the name is equivalent: a fax number is a phone number, and a visitor's address is an IP
    // address.
    return {
      ...{ category: kind.category, mask: kind.mask },
      evidence: `${kind.count} of ${this.#values.texts.length} samples are ${kind.label}`,
    };
  }

  /** The classification by name. A text is the reason why the values contradict it. */
  #byName(): Recognised | string | undefined {
    const { type, from } = this.#field;
    const [name = ''] = this.#names;
    if (from === this.#type.id && this.#type === this.#draft.customer)
      return {
        category: this.#base === 'BEHAVIOUR' ? 'BEHAVIOUR' : 'IDENTITY',
        mask: 'LAST_FOUR',
        evidence: 'the id of the record',
      };
    if (from === this.#type.id) return this.#plain('the id of the record');
    if (this.#type === this.#draft.customer && OWN_NUMBER_NAME.test(name) && !areChoices(this.#values))
      return {
        category: 'IDENTITY',
        mask: 'LAST_FOUR',
        evidence: 'its name suggests a number of a person',
      };
    const rule = this.#nameRule();
    if (rule !== undefined && rule.category !== 'NONE') {
      const { category, label, mask } = rule;
      // Without a mask, every value is shown.
      const contradiction = mask === undefined ? contradictionIn(this.#values) : undefined;
      if (contradiction !== undefined) return contradiction;
      const masked = mask ?? (type === 'String' && areLinks(this.#values) ? 'ALL' : undefined);
      return {
        category,
        ...(masked === undefined ? {} : { mask: masked }),
        evidence: `its name suggests ${label}`,
      };
    }
    const isPlain = rule !== undefined || this.#isPlainName();
    if (!isPlain && PERSON_NAME.test(name) && type === 'String') {
      const isAboutThing = this.#isAboutThing() || (haveDigits(this.#values) && this.#base !== 'RELATION');
      if (isAboutThing) return contradictionIn(this.#values) ?? this.#plain('its name suggests a thing');
      return { category: 'IDENTITY', mask: 'INITIAL', evidence: 'its name suggests the name of a person' };
    }
    if (!isPlain) return this.#byType();
    return contradictionIn(this.#values) ?? this.#plain('its name suggests a plain value');
  }

  /** Whether a name belongs to a thing instead of a person. */
  #isAboutThing(): boolean {
    return (
      this.#base === 'NONE' ||
      /_(?:line|item|product|campaign|device|app|os|browser|library|page|plan|badge)s?_/.test(
        wordsIn(`${this.#type.name}_${partsOf(this.#field.from).slice(-2, -1).join('_')}`),
      )
    );
  }

  #isPlainName(): boolean {
    const [name = '', withObject = ''] = this.#names;
    const isNumberOfPerson =
      this.#base === 'RELATION' && /_(?:number|nummer|nr|code|id)_$/.test(name) && !OF_OTHERS.test(name);
    const { texts, distinct } = this.#values;
    if (isNumberOfPerson && distinct.length === texts.length && texts.length > 2) return false;
    if (this.#type === this.#draft.customer && /^_(?:date|datum|name)_$/.test(name)) return false;
    const isOfPerson = ['RELATION', 'IDENTITY', 'TRAIT'].includes(this.#base);
    return (
      PLAIN_NAME.test(name) || PLAIN_NAME.test(withObject) || (!isOfPerson && PLAIN_NAME_OF_THINGS.test(name))
    );
  }

  /** Amounts and times in a purchase are not personal by themselves. */
  #byType(): Recognised | string | undefined {
    const isOfThing = !['RELATION', 'IDENTITY', 'CONTACT', 'TRAIT'].includes(this.#base);
    if (isOfThing && /^(?:Money|Boolean|DateTime)$/.test(this.#field.type))
      return this.#plain(`it is a value of the type ${this.#field.type}`);
    return undefined;
  }

  #nameRule() {
    const [name = '', withObject = '', path = ''] = this.#names;
    const isText = this.#field.type === 'String' || this.#field.type === 'ID';
    const isChoice =
      this.#field.type === 'Boolean' || this.#field.type === 'Enum' || areChoices(this.#values);
    return NAME_RULES.find((rule) => {
      if (rule.within?.includes(this.#base) === false) return false;
      if ((rule.isText === true && !isText) || (rule.isChoice === true && !isChoice)) return false;
      if (
        /^(?:Boolean|Money)$/.test(this.#field.type) &&
        !['CONSENT', 'FINANCIAL', 'RELATION', 'BEHAVIOUR'].includes(rule.category)
      )
        return false;
      return (
        rule.name.test(name) ||
        rule.name.test(withObject) ||
        (rule.category === 'BEHAVIOUR' && /_page_/.test(path) && rule.name.test(path))
      );
    });
  }

  #plain(evidence: string): Recognised {
    return { category: this.#base, evidence };
  }

  #access({ category, mask, evidence }: Recognised): Shown {
    const { purposes, scope } = ACCESS[category === 'NONE' ? this.#baseOfCustomer() : category];
    const canMask = MASKED_TYPES.has(this.#field.type);
    return {
      category,
      ...(mask === undefined || !canMask ? {} : { mask }),
      // A caller that may see only masked values would see this one unmasked.
      purposes:
        mask !== undefined && !canMask ? purposes.filter((purpose) => purpose !== 'ANALYTICS') : purposes,
      scopes: [[scope]],
      isRecognised: true,
      evidence,
    };
  }

  #baseOfCustomer(): Exclude<DataCategory, 'NONE'> {
    const base = this.#ofTypes.get(this.#draft.customer.name);
    return base === undefined || base === 'NONE' ? 'RELATION' : base;
  }

  #heldBack(evidence: string): Shown {
    return {
      category: 'IDENTITY',
      ...(MASKED_TYPES.has(this.#field.type) ? { mask: 'ALL' } : {}),
      ...{ purposes: ['CUSTOMER_CARE'], scopes: [['identity:explore']], isRecognised: false, evidence },
    };
  }
}

/** The category of each type: by its name, otherwise that of the type that leads to it. */
function typeCategories({ source, customer, types }: Draft): Map<string, DataCategory> {
  const categories = new Map<string, DataCategory>();
  const visit = (type: DraftType, above: DataCategory): void => {
    if (categories.has(type.name)) return;
    const byName = categoryByName(type.name, source);
    // An object about another person, such as an employee.
    const category = byName === 'RELATION' && type !== customer ? 'IDENTITY' : (byName ?? above);
    categories.set(type.name, category);
    for (const { type: of } of type.fields) {
      const inner = types[of];
      if (inner !== undefined) visit(inner, category);
    }
  };
  visit(customer, 'RELATION');
  for (const type of Object.values(types)) visit(type, 'RELATION');
  return categories;
}

function categoryByName(name: string, source: string): DataCategory | undefined {
  if (/_contact_person/.test(wordsIn(name))) return 'CONTACT';
  const all = wordsOf(name);
  const prefix = wordsOf(source);
  // The name of the source begins the name of each type.
  const typeWords =
    prefix.length < all.length && prefix.every((word, i) => all[i] === word) ? all.slice(prefix.length) : all;
  for (const word of typeWords.toReversed()) {
    const singular = word.replace(/(?<!s)s$/, '');
    const found = TYPE_CATEGORIES.find(([pattern]) => pattern.test(word) || pattern.test(singular));
    if (found !== undefined) return found[1];
  }
  return undefined;
}

/** Most findings list fields by category. A finding that a person should check has a separate line. */
function findingsOf(privacy: Decisions['privacy']): Finding[] {
  const byCategory = new Map<string, string[]>();
  const warnings: Finding[] = [];
  for (const [place, decision] of Object.entries(privacy)) {
    if ('leftOutBecause' in decision)
      warnings.push({
        step: 'privacy',
        text: `${place} is left out: ${decision.leftOutBecause}.`,
        isWarning: true,
      });
    else if (!decision.isRecognised)
      warnings.push({
        step: 'privacy',
        text: `${place} gets the strictest rules: ${decision.evidence}. Check it.`,
        isWarning: true,
      });
    else {
      const label = [
        decision.category,
        ...(decision.mask === undefined ? [] : [`masked as ${decision.mask}`]),
      ].join(', ');
      byCategory.set(label, [...(byCategory.get(label) ?? []), place]);
    }
  }
  return [
    ...[...byCategory].map(([label, places]): Finding => ({
      step: 'privacy',
      text: `${label}: ${places.join(', ')}.`,
    })),
    ...warnings,
  ];
}
