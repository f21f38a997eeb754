import type { DataCategory } from '../../customer/schema.generated.js';
import { ending, whole } from './names.js';

/** Names of fields that are not personal by themselves. */
export const PLAIN_NAME = new RegExp(
  [
    ending(
      'created|created_?(?:at|on|date)|create_?date|last_?modified_?date(?:_?time)?|modify_?date|creation_?date|date_?created(?:_gmt)?|date_?modified(?:_gmt)?|date_?(?:paid|completed)(?:_gmt)?|updated|updated_?(?:at|on|date|date_?utc)|modified|modified_?(?:at|on|date)|changed|changed_?(?:at|on)|last_?modified|aangemaakt(?:_op)?|gewijzigd(?:_op)?|erstellt(?:_am)?|geandert(?:_am)?|cree_?le|modifie_?le|registered_?(?:at|on)?|joined_?(?:at|on)|since|start_?date|end_?date|ingangsdatum|einddatum|deleted_?at|valid_?(?:from|to|until)|expires_?(?:at|on)?|(?:order|invoice|due|paid|payment|ship|shipped|required|delivery|delivered|processed|cancelled|canceled|closed|sent|received|fully_paid_on|effective|expected_payment|planned_payment|booking|purchase|bestel|factuur|verval|rechnungs|bestell|liefer)_?(?:date|at|on|datum)|server_?time|first_?order|last_?order(?:_?(?:at|date))?|last_?action_?date_?time',
    ),
    ending(
      '(?:grand_|sub_?|base_|order_|line_|total_)*(?:total|totaal|gesamt|summe|montant|amount|bedrag|betrag|price|prijs|preis|prix|tax|cost|costs|freight|fee|shipping|vat_amount|refunded|paid|due|invoiced|remaining)(?:_?(?:price|amount|tax|paid|due|refunded|remaining|incl_?tax|excl_?tax))?|amount_?(?:due|paid|remaining|credited)|unit_?price|total_(?:tax|paid|price|visits?|actions|page_?views|visit_?duration|goal_?conversions|qty_?ordered|discount|refunded)|conversion_?rate|currency_?rate',
    ),
    ending(
      'qty|quantity|aantal|anzahl|menge|quantite|(?:order|purchase|visit|invoice|ticket|item|attempt|total)s?_?count|number_of_(?:orders|purchases|visits|invoices|tickets|items)|next_invoice_sequence|visit_?duration|(?:days|seconds)_since_[a-z_]+|line_?number',
    ),
    ending(
      'currency|currency_?code|order_?currency(?:_?code)?|default_?currency|valuta|wahrung|devise|site_?currency',
    ),
    whole(
      'status|state|type|kind|soort|typ|object|mode|channel|kanaal|medium|version|reason|method|number|nummer|count|active|actief|aktiv|enabled|disabled|confirmed|position|sequence|duration',
    ),
    ending(
      '(?:order|payment|financial|fulfil+ment|invoice|shipping|delivery|contact|lead|customer|account|member|membership|subscription|visitor|record|bestel|factuur|klant)_?status|created_?via|(?:cancel|billing|return|refund|order)_?reason|(?:payment|shipping|delivery|collection|contact)_?method|payment_?method_?title|method_?title',
    ),
    ending(
      'order_?(?:number|no|nr|id)|invoice_?(?:number|no|nr|id|prefix)|confirmation_?number|increment_?id|bestel_?nummer|factuur_?nummer|bestell_?nummer|rechnungs_?nummer|numero_?(?:commande|facture)|[a-z]+_?(?:order|invoice|product|item|line|track|visit|message|branding_theme|website|region|employee|rep|category|campaign)_?id|(?:track|product|item|variation|sku|parent|store|website|region|employee|visit|message|category|branding_?theme|id)_?(?:id|visit)?|support_?rep_?id',
    ),
    ending(
      'sku|ean|gtin|barcode|product|products|item|article|artikel|product_?(?:name|code|title)|(?:article|artikel|item)_?(?:name|naam|code|number|nummer)|coupon_?code|promo_?code|ship_?via|collection_?method|account_?code|[a-z]+_?account_?code|tax_?(?:type|class|rate)|[a-z_]+_?tax_?type',
    ),
    ending(
      'live_?mode|attempted|auto_?advance|sent_?to_?contact|default_?(?:billing|shipping)|is_?[a-z]*_?(?:supplier|customer|guest|virtual|discounted)|has_?(?:attachments|(?:validation_?)?errors)|requires_?shipping|tax_?exempted|test_?clock|[a-z]+_?verified|email_?sent',
    ),
    ending(
      'browser|browser_?name|browser_?version|os|os_?name|operating_?system|device_?(?:type|model|brand|manufacturer)|resolution|screen_?(?:width|height|resolution)|app_?(?:name|version)|campaign|campaign_?(?:name|source|medium)|event|event_?(?:name|type|action|category)|referrer_?(?:type|name)|library_?(?:name|version)|platform|timestamp|site_?name',
    ),
  ]
    .map(({ source }) => source)
    .join('|'),
);

/**
 * Names of fields that are not personal in a purchase or a visit. In a person's record, they may describe the
 * person.
 */
export const PLAIN_NAME_OF_THINGS = ending(
  '[a-z]+_?(?:status|state|type|reason|method|kind|count)|count|counts|weight|gewicht|date|datum|code|id',
);

/** The category of a type by the last word of its name that has one. */
export const TYPE_CATEGORIES: readonly (readonly [RegExp, DataCategory])[] = [
  [
    /^(?:customer|client|contact|member|profile|user|account|person|klant|relatie|lid|kunde|debtor|debiteur|patient|subscriber|lead|guest)$/,
    'RELATION',
  ],
  [/^(?:employee|medewerker|mitarbeiter|staff|representative|rep|contactperson)$/, 'IDENTITY'],
  [/^(?:address|adres|adresse|billing|shipping|phone|telephone|email|location)$/, 'CONTACT'],
  [
    /^(?:order|purchase|cart|basket|checkout|shipment|delivery|return|subscription|booking|reservation|bestelling|bestellung|commande|warranty|registration|contract|policy|rental|loan)$/,
    'TRANSACTION',
  ],
  [
    /^(?:invoice|bill|payment|charge|refund|transaction|credit|factuur|rechnung|facture|betaling|bank|mandate|card)$/,
    'FINANCIAL',
  ],
  [
    /^(?:visit|visitor|event|track|session|click|page|pageview|action|activity|device|bezoek|besuch|visite)$/,
    'BEHAVIOUR',
  ],
  [
    /^(?:ticket|message|conversation|call|comment|note|chat|case|bericht|nachricht|gesprek)$/,
    'COMMUNICATION',
  ],
  [/^(?:company|organisation|organization|business|bedrijf|firma|unternehmen|societe)$/, 'COMPANY'],
  [/^(?:consent|permission|preference|optin|toestemming)$/, 'CONSENT'],
  [/^(?:product|article|artikel|sku|variant|category|catalog|store|shop|country|currency)$/, 'NONE'],
];
