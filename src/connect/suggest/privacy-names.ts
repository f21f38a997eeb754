import type { DataCategory, Mask } from '../../customer/schema.generated.js';
import {
  EMAIL_HASH_NAME,
  EMAIL_NAME,
  FAMILY_NAME,
  FAX_NAME,
  GIVEN_NAME,
  KVK_NAME,
  MIDDLE_NAME,
  PERSON_NUMBER_NAME,
  PHONE_NAME,
  VAT_NAME,
  VISITOR_NAME,
  ending,
  words,
} from './names.js';

/** Rules by the name of a field, in English, Dutch, German and French. */

export interface NameRule {
  name: RegExp;
  category: DataCategory;
  mask?: Mask;
  /** The text in the evidence, such as "a phone number". */
  label: string;
  /** Whether the rule applies only to texts. */
  isText?: boolean;
  /** Whether the rule applies only to choices: yes and no, or few values. */
  isChoice?: boolean;
  /** The categories of types in which the rule applies. Default: all. */
  within?: readonly DataCategory[];
}

export const SECRET_NAME = words(
  [
    'pass|passwords?|passwd|pwd|pass_?phrase|wachtwoord|wachtwoorden|kennwort|passwort|mot_?de_?passe|password_?hash|hash|hashed|salt|secrets?|geheim',
    'token|tokens|jwt|bearer|api_?key|access_?key|private_?key|secret_?key|license_?key|order_?key|session_?key|client_?secret|protect_?code|otp|totp|mfa|two_?factor|pin|pin_?code|pincode|cvc|cvv|security_?(?:answer|question|code)|recovery_?codes?|credentials?|signature_?key|nonce|crypt|encrypted_?password|reset_?code|activation_?(?:code|key)|verification_?code|confirmation_?key',
  ].join('|'),
);

/** Special categories of personal data (GDPR, article 9), such as health. */
export const SENSITIVE_NAME = words(
  [
    'religion|religious|faith|church|geloof|kerk|godsdienst|kirche|konfession|eglise|ethnicity|ethnic|race|racial|etniciteit|afkomst|herkunft|ethnie|origin_?ethnic|political|politics|party_?member|politiek|politisch|politique',
    'union|vakbond|gewerkschaft|syndicat|sexual|sexuality|orientation|geaardheid|sexuell|health|medical|medication|diagnosis|illness|disease|allergy|allergies|disability|handicap|gezondheid|medisch|diagnose|ziekte|allergie|gesundheit|krankheit|medizinisch|sante|maladie|medical|pregnant|pregnancy|zwanger|schwanger|enceinte|blood_?type|criminal|conviction|strafblad|vorstrafe|genetic|biometric|dna',
  ].join('|'),
);

/** The first rule that applies decides. */
export const NAME_RULES: readonly NameRule[] = [
  {
    name: words(
      'opt_?(?:in|out)|opted_?(?:in|out)|consents?|consented|toestemming|einwilligung|consentement|newsletter|nieuwsbrief|marketing_?(?:state|status|allowed|permission|emails?)|accepts_?marketing|subscribed|unsubscribed|do_not_(?:call|mail|email|contact)|gdpr|avg_?akkoord|include_in_emails|abmeldung|allow_?(?:emails?|sms|calls?|marketing)|email_?preferences?',
    ),
    category: 'CONSENT',
    label: 'a consent',
    isChoice: true,
  },
  {
    name: ending(
      '(?:phone|telephone|address|e_?mail|contact|referrer|device|visitor|account|card|document|order|invoice|payment|tax|customer|object|record|line|event)_?(?:type|kind|soort|typ)',
    ),
    category: 'NONE',
    label: 'a kind of thing',
    isChoice: true,
  },
  {
    name: words(
      'last_?(?:login|seen|visit|activity|active)(?:_?(?:at|on|date))?|laatste_?(?:login|bezoek)|letzter_?login|derniere_?connexion',
    ),
    category: 'BEHAVIOUR',
    label: 'behaviour on a site',
  },
  { name: /^_login_$/, category: 'IDENTITY', mask: 'ALL', label: 'a user name', isText: true },
  {
    name: /^_(?:house_?(?:number|no|nr)|huis_?(?:nummer|nr)|haus_?(?:nummer|nr)|numero_?(?:de_?)?rue)_$/,
    category: 'CONTACT',
    mask: 'ALL',
    label: 'an address',
  },
  {
    name: /^_has_/,
    category: 'NONE',
    label: 'whether there is something',
    isChoice: true,
    within: ['TRANSACTION', 'FINANCIAL', 'BEHAVIOUR', 'COMMUNICATION', 'NONE'],
  },
  {
    name: EMAIL_HASH_NAME,
    category: 'CONTACT',
    mask: 'LAST_FOUR',
    label: 'the hash of an e-mail address',
    isText: true,
  },
  { name: EMAIL_NAME, category: 'CONTACT', mask: 'EMAIL', label: 'an e-mail address', isText: true },
  { name: FAX_NAME, category: 'CONTACT', mask: 'LAST_FOUR', label: 'a fax number' },
  { name: PHONE_NAME, category: 'CONTACT', mask: 'LAST_FOUR', label: 'a phone number' },
  {
    name: ending('area_?code|calling_?code|extension|toestel|durchwahl|doorkiesnummer|netnummer|vorwahl'),
    category: 'CONTACT',
    label: 'a part of a phone number',
  },
  {
    name: words(
      'birth_?(?:date|day)?|date_?of_?birth|born|born_?on|dob|birthdate|birthday|geboorte_?(?:datum|dag)?|geboren|geburts?_?(?:datum|tag)?|geb_?datum|naissance|date_?(?:de_?)?naissance|anniversaire|year_?of_?birth|geboortejaar|geburtsjahr',
    ),
    category: 'TRAIT',
    mask: 'YEAR',
    label: 'a date of birth',
  },
  {
    name: words(
      'sex|gender|geslacht|geschlecht|sexe|age|leeftijd|alter|marital_?status|burgerlijke_?staat|familienstand|etat_?civil|nationality|nationaliteit|nationalitat|staatsangehorigkeit|nationalite|language|languages|language_?code|taal|taalcode|sprache|sprachcode|langue|locale|locales|preferred_?locales?|time_?zone|tijdzone|zeitzone|fuseau_?horaire',
    ),
    category: 'TRAIT',
    label: 'a trait',
  },
  {
    name: words(
      'job_?title|job|occupation|profession|function_?title|functie|functietitel|beroep|beruf|position|fonction|metier|contact_?title|education|opleiding|ausbildung|hire_?date|reports_?to|hobbies|hobby|interests?|income_?(?:class|group)|household_?size',
    ),
    category: 'TRAIT',
    label: 'a trait',
  },
  {
    name: ending('title|titel|titre'),
    category: 'TRAIT',
    label: 'a title',
    within: ['RELATION', 'IDENTITY', 'CONTACT'],
  },
  { name: /^_(?:prefix|suffix)_$/, category: 'IDENTITY', label: 'a part of a name' },
  {
    name: ending(
      'salutation|honorific|title_?of_?courtesy|courtesy_?title|aanhef|anrede|civilite|initials|voorletters?|initialen|initiales|name_?(?:prefix|suffix)|customer_?(?:prefix|suffix)',
    ),
    category: 'IDENTITY',
    label: 'a part of a name',
    within: ['RELATION', 'IDENTITY', 'CONTACT', 'TRANSACTION', 'BEHAVIOUR'],
  },
  {
    name: new RegExp([GIVEN_NAME, MIDDLE_NAME, FAMILY_NAME].map(({ source }) => source).join('|')),
    category: 'IDENTITY',
    mask: 'INITIAL',
    label: 'a part of a name',
    isText: true,
  },
  {
    name: words(
      'skype(?:_?(?:user_?name|id|name))?|twitter(?:_?(?:handle|user_?name|name|url|profile))?|x_handle|facebook|instagram|linkedin|linked_?in|tiktok|snapchat|youtube|whatsapp_?name|social_?(?:handle|profile|link)|xing|mastodon|bluesky',
    ),
    category: 'SOCIAL',
    mask: 'ALL',
    label: 'a social profile',
  },
  {
    name: words(
      'avatar|avatar_?url|photo|photo_?(?:url|path)|picture|profile_?(?:picture|image|photo|url)|image_?url|foto|pasfoto|bild_?url|portrait|gravatar',
    ),
    category: 'SOCIAL',
    mask: 'ALL',
    label: 'a picture of a person',
    within: ['RELATION', 'IDENTITY', 'CONTACT', 'BEHAVIOUR', 'COMMUNICATION', 'SOCIAL'],
  },
  {
    name: words(
      'user_?name|login_?name|nick_?name|nick|handle|screen_?name|gebruikers_?naam|inlog_?naam|benutzer_?name|nom_?utilisateur|pseudo|bijnaam',
    ),
    category: 'IDENTITY',
    mask: 'ALL',
    label: 'a user name',
    isText: true,
  },
  {
    name: words('rsin|siren|siret|duns|lei'),
    category: 'COMPANY',
    mask: 'LAST_FOUR',
    label: 'a number of a company',
  },
  { name: VAT_NAME, category: 'COMPANY', mask: 'LAST_FOUR', label: 'a VAT number', isText: true },
  { name: KVK_NAME, category: 'COMPANY', mask: 'LAST_FOUR', label: 'a number of a company' },
  {
    name: words(
      'company|company_?name|organi[sz]ation|organi[sz]ation_?name|business_?name|trade_?name|employer|bedrijf|bedrijfs_?naam|organisatie|handels_?naam|werkgever|firma|firmen_?name|unternehmen|arbeitgeber|societe|raison_?sociale|entreprise|employeur',
    ),
    category: 'COMPANY',
    mask: 'INITIAL',
    label: 'the name of a company',
    isText: true,
  },
  {
    name: ending(
      'web_?site|home_?page|domain|domein|industry|branche|bedrijfstak|secteur|number_?of_?employees|employee_?count',
    ),
    category: 'COMPANY',
    label: 'a property of a company',
    within: ['RELATION', 'IDENTITY', 'CONTACT', 'COMPANY'],
  },
  {
    name: ending(
      'ip|ip_?address|ip_?adres|ip_?adresse|visit_?ip|remote_?(?:ip|addr)|x_forwarded_for|forwarded_for|client_?ip',
    ),
    category: 'BEHAVIOUR',
    mask: 'ALL',
    label: 'an IP address',
  },
  {
    name: ending('post_?codes?|postal_?codes?|zip|zip_?codes?|plz|postleitzahl|code_?postal|cp'),
    category: 'CONTACT',
    mask: 'INITIAL',
    label: 'a postcode',
  },
  {
    name: ending(
      'streets?|street_?(?:name|address)|straat|straatnaam|strasse|strasse_?name|rue|house_?(?:number|no|nr|letter)|huis_?(?:nummer|nr|letter)|haus_?(?:nummer|nr)|addition|toevoeging|huisnummertoevoeging|address|adres|adresse|anschrift|address_?line|adres_?regel|line|addr|formatted(?:_?address)?|(?:full|postal|mailing|billing|shipping|delivery|home|visiting)_?addresse?s?|po_?box|postbus|postfach|boite_?postale|neighbou?rhood|apartment|flat|unit_?number',
    ),
    category: 'CONTACT',
    mask: 'ALL',
    label: 'an address',
    isText: true,
    within: ['RELATION', 'IDENTITY', 'CONTACT', 'COMPANY', 'TRANSACTION', 'FINANCIAL', 'BEHAVIOUR'],
  },
  {
    name: words(
      'lat|lng|lon|long|latitude|longitude|geo|geo_?location|coordinates|gps|location_?(?:lat|lng|point)|breedtegraad|lengtegraad',
    ),
    category: 'CONTACT',
    mask: 'ALL',
    label: 'a place',
  },
  {
    name: words(
      'account_(?:country|name)|(?:store|shop|site|warehouse|location|branch)_?(?:name|country|city|currency|id|code)?|store_?view|created_?in',
    ),
    category: 'NONE',
    label: 'a property of the organisation',
  },
  {
    name: ending(
      'city|town|place|locality|municipality|woonplaats|plaats|plaatsnaam|stad|gemeente|ort|stadt|wohnort|ville|commune|country|country_?(?:id|code|name)|territory_?code|land|landcode|lander_?code|land_?code|pays|code_?pays|province|provincie|county|bundesland|departement|zone_?code|formatted_?area|continent',
    ),
    category: 'CONTACT',
    label: 'a part of an address',
  },
  {
    name: ending('state|region|region_?(?:name|code)|regio'),
    category: 'CONTACT',
    label: 'a part of an address',
    within: ['RELATION', 'IDENTITY', 'CONTACT', 'COMPANY', 'BEHAVIOUR'],
  },
  {
    name: ending('(?:ship|shipping|billing|delivery|invoice|bill)_?(?:state|region)'),
    category: 'CONTACT',
    label: 'a part of an address',
  },
  {
    name: words(
      'iban|bic|swift|bank_?account(?:_?(?:number|details|holder|nr))?|bank_?(?:number|name|details)?|account_?holder|rekening_?(?:nummer|nr|houder)|bankrekening_?(?:nummer)?|konto_?(?:nummer|nr|inhaber)|bankverbindung|sort_?code|routing_?number|compte_?bancaire|rib|card_?(?:number|no|last_?four|last_?4|holder)|last_?4|last_?four|creditcard|credit_?card|kreditkarte|carte_?(?:bancaire|credit)|default_?(?:source|payment_?method)|payment_?(?:method|source|token|instrument)_?id|mandate(?:_?id)?|transaction_?id|psp_?reference',
    ),
    category: 'FINANCIAL',
    mask: 'LAST_FOUR',
    label: 'a means of payment',
  },
  {
    name: ending(
      'balance|saldo|solde|credit_?(?:limit|score|rating)|krediet_?limiet|kreditlimit|delinquent|in_?arrears|debt|schuld|tax_?exempt|salary|income|salaris|inkomen|gehalt|einkommen|salaire|revenu|outstanding|open_?amount|overdue(?:_?amount)?|past_?due|outstanding_?amount',
    ),
    category: 'FINANCIAL',
    label: 'a financial property',
  },
  { name: VISITOR_NAME, category: 'BEHAVIOUR', mask: 'LAST_FOUR', label: 'a device' },
  {
    name: words(
      'device_?id|advertising_?id|idfa|gaid|session_?id|cookie|cookies|finger_?print|user_?agent|browser_?id|mac_?address|imei',
    ),
    category: 'BEHAVIOUR',
    mask: 'LAST_FOUR',
    label: 'a device',
  },
  {
    name: words(
      'referrer_?(?:url|keyword)|referr?er|referring_?site|search_?(?:term|terms|query|keyword)|search|keyword|keywords|query_?string|page_?(?:url|path|title|referrer|search)|landing_?(?:page|site)|entry_?(?:url|page)|exit_?(?:url|page)|zoekterm|suchbegriff',
    ),
    category: 'BEHAVIOUR',
    mask: 'ALL',
    label: 'behaviour on a site',
  },
  {
    name: words('logins?_?count|login_?count|number_?of_?logins|logins|page_?views?|opens|clicks'),
    category: 'BEHAVIOUR',
    label: 'behaviour on a site',
  },
  {
    name: words(
      'notes?|comments?|remarks?|message|messages|body|subject|feedback|review_?text|opmerking|opmerkingen|toelichting|notitie|notities|bericht|onderwerp|bemerkung|bemerkungen|notiz|notizen|nachricht|betreff|kommentar|remarque|remarques|commentaire|commentaires|observations?|biography|bio|about|memo|customer_?note|free_?text|vrije_?tekst',
    ),
    category: 'COMMUNICATION',
    mask: 'ALL',
    label: 'a free text',
    isText: true,
  },
  {
    name: ending('description|omschrijving|beschrijving|beschreibung'),
    category: 'COMMUNICATION',
    mask: 'ALL',
    label: 'a free text',
    isText: true,
    within: ['RELATION', 'IDENTITY', 'CONTACT', 'COMMUNICATION', 'COMPANY'],
  },
  { name: PERSON_NUMBER_NAME, category: 'IDENTITY', mask: 'LAST_FOUR', label: 'a number of a person' },
  {
    name: ending('customer|client|klant|kunde|contact|member'),
    category: 'IDENTITY',
    mask: 'LAST_FOUR',
    label: 'a number of a person',
  },
  {
    name: ending('reference|kenmerk|referentie|referenz'),
    category: 'FINANCIAL',
    label: 'a reference',
    within: ['FINANCIAL'],
  },
  {
    name: ending(
      'attention_?to|attn|attention|recipient|ontvanger|empfanger|destinataire|ter_?attentie_?van|tav|contact_?person|contactpersoon|ansprechpartner|addressee|signed_?by|holder|owner_?name',
    ),
    category: 'IDENTITY',
    mask: 'INITIAL',
    label: 'the name of a person',
    isText: true,
  },
  {
    name: ending(
      'groups?|group_?(?:id|name|code)|customer_?(?:group|type|class|segment|status)(?:_?(?:id|code))?|contact_?(?:group|type|status)|segments?|tags?|labels?|plan|tier|level|role|roles|vip|loyalty|loyalty_?(?:tier|level|points)|points|punten|punkte|lifecycle_?(?:stage)?|lead_?(?:status|source|score)|stage|score|rating|klant_?(?:groep|type|soort|status)|kunden_?(?:gruppe|typ|status)|is_paying_customer|paying_?customer|discount|korting|rabatt|remise|priority|churn_?(?:risk|score)|lifetime_?value|ltv|rfm',
    ),
    category: 'RELATION',
    label: 'how the customer is classified',
    within: ['RELATION', 'IDENTITY'],
  },
];

/** Names of people in texts, unless the type describes things. */
export const PERSON_NAME = ending(
  'name|names|naam|full_?name|display_?name|contact_?name|klant_?naam|kunden_?name|volledige_?naam|nom|nom_?complet',
);
