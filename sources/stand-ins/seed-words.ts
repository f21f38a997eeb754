/** The Dutch words of the seed data. */

export const firstNames = [
  ...[
    'Anna',
    'Bram',
    'Carlijn',
    'Daan',
    'Eline',
    'Femke',
    'Gijs',
    'Hanna',
    'Imke',
    'Jasper',
    'Karin',
    'Lars',
  ],
  ...['Maaike', 'Niels', 'Olga', 'Pieter', 'Quinten', 'Roos', 'Sanne', 'Thijs', 'Uma', 'Veerle', 'Wouter'],
  ...[
    'Yara',
    'Zoë',
    'Aziz',
    'Björn',
    'Chantal',
    'Dewi',
    'Emre',
    'Fatima',
    'Geert',
    'Hilde',
    'Ibrahim',
    'Joris',
  ],
  ...['Kees', 'Lotte', 'Mohamed', 'Noor', 'Oscar', 'Paula', 'Rachid', 'Sjoerd', 'Tess', 'Willemijn', 'Yusuf'],
];

export const lastNames = [
  ...['de Jong', 'Jansen', 'de Vries', 'van den Berg', 'van Dijk', 'Bakker', 'Janssen', 'Visser', 'Smit'],
  ...['Meijer', 'de Boer', 'Mulder', 'de Groot', 'Bos', 'Vos', 'Peters', 'Hendriks', 'van Leeuwen', 'Dekker'],
  ...[
    'Brouwer',
    'de Wit',
    'Dijkstra',
    'Smits',
    'de Graaf',
    'van der Meer',
    'van der Linden',
    'Kok',
    'Jacobs',
  ],
  ...[
    'de Haan',
    'Vermeulen',
    'van den Heuvel',
    'van der Veen',
    'van den Broek',
    'de Bruijn',
    'van der Heijden',
  ],
  ...['Schouten', 'van Beek', 'Willems', 'van Vliet', 'Hoekstra', 'Maas', 'Verhoeven', 'Koster', 'van Dam'],
  ...[
    "van 't Hof",
    'Prins',
    'Blom',
    'Huisman',
    'Yılmaz',
    'El Idrissi',
    'ten Have',
    'ter Horst',
    'op den Kamp',
  ],
];

export const streets = [
  ...['Dorpsstraat', 'Kerkstraat', 'Molenweg', 'Schoolstraat', 'Stationsweg', 'Julianastraat', 'Nieuwstraat'],
  ...[
    'Beatrixlaan',
    'Prins Hendrikkade',
    'Lange Voorhout',
    'Burgemeester de Vlugtlaan',
    '2e Jan Steenstraat',
  ],
  ...['Wilhelminapark', 'Oude Gracht', 'Zuiderpad', 'Lindelaan', 'Eikenhof', 'Havenkade', "'s-Gravenweg"],
];

/** A city with the first two digits of its postcodes. */
export const cities: readonly { name: string; postcodePrefix: string }[] = [
  { name: 'Amsterdam', postcodePrefix: '10' },
  { name: 'Haarlem', postcodePrefix: '20' },
  { name: 'Leiden', postcodePrefix: '23' },
  { name: "'s-Gravenhage", postcodePrefix: '25' },
  { name: 'Delft', postcodePrefix: '26' },
  { name: 'Rotterdam', postcodePrefix: '30' },
  { name: 'Utrecht', postcodePrefix: '35' },
  { name: 'Amersfoort', postcodePrefix: '38' },
  { name: 'Breda', postcodePrefix: '48' },
  { name: "'s-Hertogenbosch", postcodePrefix: '52' },
  { name: 'Eindhoven', postcodePrefix: '56' },
  { name: 'Maastricht', postcodePrefix: '62' },
  { name: 'Nijmegen', postcodePrefix: '65' },
  { name: 'Arnhem', postcodePrefix: '68' },
  { name: 'Enschede', postcodePrefix: '75' },
  { name: 'Zwolle', postcodePrefix: '80' },
  { name: 'Leeuwarden', postcodePrefix: '89' },
  { name: 'Groningen', postcodePrefix: '97' },
];

/** Pairs such as SA, SD and SS are never assigned. */
export const postcodeLetters = [
  'AB',
  'BK',
  'CE',
  'DZ',
  'EH',
  'GL',
  'HT',
  'JA',
  'KX',
  'LM',
  'NP',
  'PR',
  'RV',
  'TW',
  'VC',
  'XG',
];

export const jobTitles = [
  ...['Inkoper', 'Eigenaar', 'Office manager', 'Marketingmanager', 'Facilitair medewerker', 'Directeur'],
  ...['Hoofd inkoop', 'Verkoopleider', 'Projectleider', 'Zzp’er', ''],
];

export const dealNames = [
  ...[
    'Raamcontract kantoorartikelen',
    'Inrichting vergaderzaal',
    'Relatiegeschenken',
    'Jaarcontract levering',
  ],
  ...['Proefbestelling', 'Uitbreiding werkplekken', 'Kerstpakketten'],
];

export const companyNames = [
  ...['Bakkerij', 'Garage', 'Drukkerij', 'Installatiebedrijf', 'Bouwbedrijf', 'Kwekerij', 'Adviesbureau'],
  ...['Hotel', 'Fysiotherapie', 'Transport'],
];

export const companyForms = ['B.V.', '& Zn.', 'V.O.F.', 'Groep N.V.'];

export const industries = [
  ...['FOOD_PRODUCTION', 'AUTOMOTIVE', 'PRINTING', 'CONSTRUCTION', 'FARMING', 'MANAGEMENT_CONSULTING'],
  ...['HOSPITALITY', 'HEALTH_WELLNESS_AND_FITNESS', 'TRANSPORTATION_TRUCKING_RAILROAD'],
];

export const productKinds: readonly { title: string; code: string; priceCents: number }[] = [
  { title: 'Bureaulamp', code: 'LAMP', priceCents: 4995 },
  { title: 'Stekkerdoos 6-voudig', code: 'STEK', priceCents: 1495 },
  { title: 'Koffiemok', code: 'MOK', priceCents: 895 },
  { title: 'Fietstas', code: 'TAS', priceCents: 6950 },
  { title: 'Regenjas', code: 'JAS', priceCents: 11995 },
  { title: 'Notitieboek A5', code: 'BOEK', priceCents: 1250 },
  { title: 'Draadloze muis', code: 'MUIS', priceCents: 2999 },
  { title: 'Plantenbak', code: 'BAK', priceCents: 3475 },
  { title: 'Wollen plaid', code: 'PLAID', priceCents: 7900 },
  { title: 'Snijplank eikenhout', code: 'PLANK', priceCents: 2750 },
  { title: 'Thermosfles', code: 'FLES', priceCents: 2495 },
  { title: 'Wandklok', code: 'KLOK', priceCents: 3900 },
];

export const productColours: readonly { name: string; code: string }[] = [
  { name: 'oranje', code: 'OR' },
  { name: 'zwart', code: 'ZW' },
  { name: 'wit', code: 'WI' },
  { name: 'bosgroen', code: 'GR' },
  { name: 'delftsblauw', code: 'BL' },
];

/** `{order}` is replaced by the number of one of the customer's orders. */
export const ticketTopics: readonly { subject: string; description: string }[] = [
  {
    subject: 'Waar blijft mijn bestelling {order}?',
    description: 'Volgens de bezorger is mijn pakket geleverd, maar ik heb niets gezien.',
  },
  {
    subject: 'Retour {order}',
    description: 'Graag wil ik een artikel terugsturen. Hoe kom ik aan een retourlabel?',
  },
  {
    subject: 'Verkeerde kleur ontvangen',
    description: 'In het pakket zat zwart, terwijl ik oranje had besteld. Kunt u omruilen?',
  },
  { subject: 'Factuur voor {order}', description: 'Ik mis de factuur. Kunt u die alsnog mailen?' },
  { subject: 'Adreswijziging', description: 'Wij zijn verhuisd. Willen jullie mijn adres aanpassen?' },
  {
    subject: 'Artikel beschadigd',
    description: 'De doos was ingedeukt en het artikel heeft een kras. Foto’s volgen.',
  },
  { subject: 'Kan niet inloggen', description: 'Ik krijg steeds de melding dat mijn wachtwoord onjuist is.' },
  { subject: 'Compliment voor de bezorger', description: 'Snel en vriendelijk geholpen, dank!' },
];

export const agentReplies = [
  'Dank voor uw bericht, we zoeken het voor u uit.',
  'We hebben de vervoerder gevraagd waar het pakket is. U hoort binnen twee werkdagen van ons.',
  'Het retourlabel is per e-mail naar u onderweg.',
  'Uw gegevens zijn aangepast. Kunnen we nog iets voor u doen?',
];

export const agentNotes = ['Klant gebeld, voicemail ingesproken.', 'Coulance akkoord volgens teamleider.'];

export const customerReplies = [
  'Dank u wel, ik wacht het af.',
  'Helaas is het nog niet opgelost.',
  'Het is inmiddels in orde, bedankt.',
  'Wanneer mag ik antwoord verwachten?',
];
