import { wordsOf } from '../words.js';

/**
 * The words of a name between underscores, in lower case and without accents: `E-MailAdresse` is `_e_mail_adresse_`. A
 * pattern with underscores around it matches whole words only.
 */
export function wordsIn(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replaceAll('ß', 'ss')
    .replaceAll('ı', 'i')
    .replace(/([a-z])(\d)/gi, '$1_$2');
  return `_${wordsOf(plain).join('_')}_`;
}

/** A whole name. */
export const whole = (alternatives: string): RegExp => new RegExp(`^_(?:${alternatives})_$`);

/** The parts of a path, without quotes and indexes. */
export function partsOf(path: string): string[] {
  return path
    .split('.')
    .map((part) => part.replace(/^"|"$|\[\d+\]/g, ''))
    .filter((part) => part !== '');
}

/** The words of the last part of a path. In an object of names, `first` is a first name: `_first_name_`. */
export function lastWords(parts: readonly string[]): string {
  const name = wordsIn(parts.at(-1) ?? '');
  const [, of] = /_(name|naam)s?_$/.exec(wordsIn(parts.at(-2) ?? '')) ?? [];
  return of !== undefined && PART_OF_NAME.test(name) ? `${name}${of}_` : name;
}

const PART_OF_NAME = whole('first|middle|last|given|family|voor|achter|vor|nach');

/** Whole words anywhere in a name. */
export const words = (alternatives: string): RegExp => new RegExp(`_(?:${alternatives})_`);
/** Whole words at the end of a name, before a number as in an address line. */
export const ending = (alternatives: string): RegExp => new RegExp(`_(?:${alternatives})(?:_\\d+)?_$`);

/** A name of a value that belongs to another person, such as an employee, or to the organisation itself. */
export const OF_OTHERS = words(
  [
    'rep|sales_?rep|representative|agent|employee|medewerker|mitarbeiter|employe|staff|personeel',
    'manager|account_?manager|supervisor|adviseur|advisor|verkoper|vendeur|verkaufer|seller|assignee|assigned|assigned_to',
    'store|shop|winkel|filiale|branch|vestiging|supplier|leverancier|lieferant|fournisseur|vendor|sender|afzender|absender',
    'created_by|modified_by|updated_by|changed_by|entered_by|support_rep|emergency|noodcontact|notfall',
  ].join('|'),
);

export const EMAIL_NAME = words(
  '(?:e_?)?mail|(?:e_?)?mail_?(?:address|adres|adresse|addr|id|1)|emailadres|courriel|adresse_?mail|adresse_?electronique|correo',
);

export const FAX_NAME = words('(?:tele)?fax|fax_?(?:number|nr|nummer|no)|telefax|telecopie');

export const PHONE_NAME = words(
  [
    '(?:tele)?phone|(?:tele|home|cell|work|mobile)?_?phone_?(?:number|no|nr|num|area_code|country_code|\\d)?|mobile|mobile_?(?:number|no|nr)|cell|cellphone|msisdn|whatsapp',
    'tel|tel_?(?:nr|no|nummer)|telefoon|telefoon_?(?:nummer|nr)|mobiel|mobiel_?(?:nummer|nr)|gsm|gsm_?(?:nummer|nr)',
    'telefon|telefon_?(?:nummer|nr)|handy|handy_?(?:nummer|nr)|mobil|mobil_?(?:nummer|nr|telefon)|festnetz|rufnummer|telephone_?(?:portable|fixe|mobile)|portable|numero_?(?:de_?)?telephone',
  ].join('|'),
);

export const KVK_NAME = words(
  'kvk|kvk_?(?:number|nummer|nr|no)|coc|coc_?(?:number|nummer|nr|no)|chamber_of_commerce(?:_number)?|handelsregister_?(?:nummer|nr)|company_?(?:registration_?)?number|registration_?number|trade_?register_?(?:number)?',
);

export const VAT_NAME = words(
  'vat|vat_?(?:id|number|nr|no)|tax_?(?:vat|number|id)|btw|btw_?(?:nummer|nr|id)|ust_?id(?:_?(?:nr|nummer))?|ust_?idnr|umsatzsteuer_?id|mwst_?nr|numero_?tva|tva|tva_?(?:intra.*|numero)',
);

export const VISITOR_NAME = words(
  'anonymous_?id|visitor_?id|cookie_?id|client_?id|domain_?userid|network_?userid|fingerprint|bezoeker_?id|besucher_?id|visiteur_?id|id_?visiteur',
);

export const X_NAME = words(
  'twitter|twitter_?(?:handle|username|user|name|screen_name|url)|x_(?:handle|username)|screen_?name',
);

export const FACEBOOK_NAME = words('psid|facebook_?(?:user_?)?id|fb_?(?:user_?)?id|messenger_?(?:user_?)?id');

export const EMAIL_HASH_NAME = words(
  '(?:hashed_?)(?:e_?)?mail|(?:e_?)?mail_?(?:hash|hashed|sha|sha_?256|sha256)',
);

/** The number of the person in some system: a customer number, a member number, an external id. */
export const PERSON_NUMBER_NAME = words(
  [
    'account_?(?:number|nr|no|num|id)|(?:customer|client|contact|member|membership|subscriber|user|person|debtor|patient|policyholder|loyalty|external|ext|crm|erp|legacy)_?(?:number|nr|no|num|id|uuid|guid|code|key|ref|reference|card_?number)',
    '(?:klant|klanten|relatie|debiteur|debiteuren|lid|leden|lidmaatschaps?|gebruikers?|contact|persoons?|patient|externe?_?)_?(?:nummer|nr|id|code|kenmerk)',
    '(?:kunden?|mitglieds?|debitoren?|benutzer|kontakt|personen|externe_?)_?(?:nummer|nr|id|kennung|code)',
    '(?:numero|no|num|id|code|identifiant)_?(?:de_?)?(?:client|membre|adherent|compte|utilisateur|abonne|contact|externe)',
  ].join('|'),
);

export const GIVEN_NAME = words(
  'first_?names?|given_?names?|fore_?name|given|voor_?na(?:am|men)|roep_?naam|vor_?namen?|prenoms?|ship_first_name|nombre',
);
export const INITIALS_NAME = words('initials?|voor_?letters?|initialen|initiales');
export const MIDDLE_NAME = words(
  'middle_?names?|infix|insertion|tussen_?voegsels?|voor_?voegsels?|namens_?zusatz|deuxieme_?prenom|name_?infix',
);
export const FAMILY_NAME = words(
  'last_?name|family_?name|sur_?name|family|achter_?naam|familie_?naam|nach_?name|familien_?name|nom_?(?:de_?)?famille|apellidos?',
);
export const FULL_NAME = words(
  'full_?name|display_?name|contact_?name|customer_?name|klant_?naam|volledige_?naam|kunden_?name|voller?_?name|nom_?complet|nom_?(?:du_?)?client|naam|nom|name',
);

/** In the customer's own record, its number. */
export const OWN_NUMBER_NAME = whole('number|nummer|numero|no|nr|code');
