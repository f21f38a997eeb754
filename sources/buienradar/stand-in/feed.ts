import { createRandom } from '../../stand-ins/random.js';

/** Number, place, region, latitude, longitude, and whether it has a thermometer. */
type StationFacts = readonly [number, string, string, number, number, boolean];

const stations: readonly StationFacts[] = [
  [6391, 'Arcen', 'Venlo', 51.5, 6.2, true],
  [6275, 'Arnhem', 'Arnhem', 52.07, 5.88, true],
  [6249, 'Berkhout', 'Berkhout', 52.65, 4.98, true],
  [6308, 'Cadzand', 'Cadzand', 51.38, 3.38, false],
  [6260, 'De Bilt', 'Utrecht', 52.1, 5.18, true],
  [6235, 'Den Helder', 'Den Helder', 52.92, 4.78, true],
  [6370, 'Eindhoven', 'Eindhoven', 51.45, 5.42, true],
  [6321, 'Euro platform', 'Noordzee', 52, 3.28, false],
  [6350, 'Gilze Rijen', 'Gilze Rijen', 51.57, 4.93, true],
  [6280, 'Groningen', 'Groningen', 53.13, 6.58, true],
  [6278, 'Heino', 'Zwolle', 52.43, 6.27, true],
  [6330, 'Hoek van Holland', 'Hoek van Holland', 51.98, 4.1, true],
  [6209, 'IJmond', 'IJmond', 52.47, 4.52, false],
  [6270, 'Leeuwarden', 'Leeuwarden', 53.22, 5.77, true],
  [6380, 'Maastricht', 'Maastricht', 50.92, 5.78, true],
  [6344, 'Rotterdam', 'Rotterdam', 51.95, 4.45, true],
  [6343, 'Rotterdam Geulhaven', 'Rotterdam Haven', 51.88, 4.32, false],
  [6240, 'Schiphol', 'Amsterdam', 52.3, 4.77, true],
  [6290, 'Twente', 'Twente', 52.27, 6.9, true],
  [6310, 'Vlissingen', 'Vlissingen', 51.45, 3.6, true],
  [6375, 'Volkel', 'Uden', 51.65, 5.7, true],
  [6215, 'Voorschoten', 'Voorschoten', 52.12, 4.43, true],
  [6239, 'Zeeplatform F-3', 'Noordzee', 54.85, 4.73, true],
];

const skies = ['Zwaar bewolkt', 'Zwaar bewolkt en regen', 'Half bewolkt', 'Onbewolkt', 'Mist'];
const winds = ['ZW', 'ZZW', 'W', 'NW', 'NO', 'Z', 'OZO'];
const icon = 'https://www.buienradar.nl/resources/images/icons/weather/30x30/cc.png';
const dayMs = 24 * 60 * 60_000;
const tenMinutesMs = 10 * 60_000;

const dutch = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'Europe/Amsterdam',
  dateStyle: 'short',
  timeStyle: 'medium',
});

/** Local Dutch time, without a zone. */
export function local(timestamp: number): string {
  return dutch.format(timestamp).replace(' ', 'T');
}

export function feed(now: number): unknown {
  return {
    buienradar: {
      copyright: 'Imitated for demonstration; nothing in it was measured.',
      terms:
        'Deze feed mag vrij worden gebruikt onder voorwaarde van bronvermelding buienradar.nl inclusief een hyperlink naar https://www.buienradar.nl.',
    },
    actual: {
      stationmeasurements: stations.map((facts) => measurement(facts, now)),
      actualradarurl: 'https://api.buienradar.nl/image/1.0/RadarMapNL?w=500&h=512',
      sunrise: `${local(now).slice(0, 10)}T07:31:00`,
      sunset: `${local(now).slice(0, 10)}T17:09:00`,
    },
    forecast: {
      weatherreport: {
        published: local(now),
        title: 'Wisselvallig',
        summary: 'Af en toe regen, later op de dag opklaringen.',
        text: 'Af en toe regen, later op de dag opklaringen.',
        author: 'Demo',
        authorbio: 'Demo',
        url: 'https://www.buienradar.nl/nederland/weerbericht',
      },
      shortterm: term(now, 1, 'Wisselvallig met temperaturen rond normaal.'),
      longterm: term(now, 6, 'Overgang naar een rustiger weertype.'),
      fivedayforecast: [1, 2, 3, 4, 5].map((ahead) => day(now, ahead)),
    },
  };
}

function measurement([stationid, place, regio, lat, lon, isComplete]: StationFacts, now: number): unknown {
  const random = createRandom('weather', stationid);
  const temperature = random.integer(40, 140) / 10;
  const windspeed = random.integer(100, 1_200) / 100;
  const ifWhole = <T>(value: T): T | null => (isComplete ? value : null);
  return {
    stationid,
    stationname: `Meetstation ${place}`,
    lat,
    lon,
    regio,
    timestamp: local(Math.floor(now / tenMinutesMs) * tenMinutesMs),
    graphurl: `https://www.buienradar.nl/nederland/weerbericht/weergrafieken/${stationid}`,
    iconurl: icon,
    weatherdescription: random.pick(skies),
    winddirection: random.pick(winds),
    // Half of the recorded stations have no barometer.
    airpressure: random.chance(0.5) ? random.integer(9_900, 10_300) / 10 : null,
    temperature: ifWhole(temperature),
    groundtemperature: ifWhole(temperature - 0.6),
    feeltemperature: ifWhole(temperature - 2.5),
    visibility: random.chance(0.5) ? random.integer(1_000, 40_000) : null,
    windgusts: windspeed + 3.2,
    windspeed,
    windspeedBft: Math.round(windspeed / 2.2),
    humidity: ifWhole(random.integer(50, 99)),
    precipitation: ifWhole(0),
    // At night the member is left out.
    ...(isComplete && { sunpower: 0 }),
    rainFallLast24Hour: ifWhole(random.integer(0, 400) / 100),
    rainFallLastHour: ifWhole(random.integer(0, 60) / 100),
    winddirectiondegrees: random.integer(0, 359),
  };
}

function day(now: number, ahead: number): unknown {
  const random = createRandom('forecast', ahead);
  const lowest = random.integer(0, 6);
  const highest = lowest + random.integer(3, 6);
  const spread = random.integer(0, 2);
  const rain = random.integer(0, 8);
  const text = (from: number): string => (spread === 0 ? String(from) : `${from}/${from + spread}`);
  return {
    day: `${local(now + ahead * dayMs).slice(0, 10)}T00:00:00`,
    mintemperature: text(lowest),
    maxtemperature: text(highest),
    mintemperatureMax: lowest + spread,
    mintemperatureMin: lowest,
    maxtemperatureMax: highest + spread,
    maxtemperatureMin: highest,
    rainChance: random.integer(0, 10) * 10,
    sunChance: random.integer(0, 10) * 10,
    windDirection: random.pick(winds).toLowerCase(),
    wind: random.integer(2, 7),
    mmRainMin: rain,
    mmRainMax: rain + random.integer(0, 5),
    iconurl: icon,
    weatherdescription: random.pick(skies),
  };
}

function term(now: number, ahead: number, forecast: string): unknown {
  const dayAt = (days: number): string => `${local(now + days * dayMs).slice(0, 10)}T00:00:00`;
  return { startdate: dayAt(ahead), enddate: dayAt(ahead + 4), forecast };
}
