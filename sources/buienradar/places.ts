/** A place by its coordinates. */
export interface Place {
  latitude: number;
  longitude: number;
}

/**
 * The middle of each postcode region, by the first two digits from 10 on: latitude and longitude in hundredths of a degree. Made
 * for this project. Exact to about ten kilometres, within which the weather is similar.
 */
const REGIONS = `
  5237 490  5236 493  5225 520  5237 522  5235 493  5245 481  5267 510  5280 485  5263 472  5249 464
  5238 463  5229 461  5213 440  5216 450  5213 468  5207 430  5200 434  5206 452  5198 472  5190 458
  5192 447  5190 433  5182 420  5182 470  5205 497  5209 511  5218 498  5214 525  5222 547  5203 535
  5190 550  5192 512  5182 497  5157 370  5148 390  5132 380  5153 425  5158 450  5158 477  5166 486
  5156 508  5162 498  5170 530  5178 545  5165 565  5138 538  5145 548  5146 570  5158 596  5138 610
  5122 585  5102 585  5085 571  5086 593  5090 599  5182 586  5187 575  5202 566  5198 590  5197 607
  5195 630  5200 663  5213 625  5221 598  5229 630  5226 688  5241 668  5257 655  5278 692  5271 635
  5250 605  5238 615  5253 560  5275 590  5296 605  5290 572  5303 566  5302 548  5320 545  5320 579
  5318 580  5333 595  5316 612  5313 642  5297 658  5298 695  5313 690  5322 657  5324 638  5334 668`
  .trim()
  .split(/\s{2,}/)
  .map((pair) => pair.split(' ').map((number) => Number(number) / 100));

/** The place of a Dutch postcode. Null for any other text, and for another country. */
export function placeOfPostcode(
  postcode: string | null | undefined,
  country: string | null | undefined,
): Place | null {
  if (country != null && country.toUpperCase() !== 'NL') return null;
  // Without a country, four digits alone may be a Belgian or Austrian postcode.
  const shape = country == null ? /^([1-9]\d)\d\d\s?[a-z]{2}$/i : /^([1-9]\d)\d\d(\s?[a-z]{2})?$/i;
  const [, region] = shape.exec(postcode?.trim() ?? '') ?? [];
  const [latitude, longitude] = REGIONS[Number(region) - 10] ?? [];
  return latitude === undefined || longitude === undefined ? null : { latitude, longitude };
}

/**
 * The outline of the Netherlands with its islands, clockwise from the south-west. Made for this project. Exact to five
 * kilometres.
 */
const OUTLINE: readonly (readonly [latitude: number, longitude: number])[] = [
  [51.3, 3.3],
  [51.46, 3.35],
  [51.75, 3.65],
  [52.0, 3.92],
  [52.45, 4.42],
  [52.95, 4.62],
  [53.2, 4.68],
  [53.36, 4.95],
  [53.47, 5.2],
  [53.5, 5.95],
  [53.6, 6.5],
  [53.5, 6.85],
  [53.25, 7.23],
  [52.99, 7.23],
  [52.64, 7.08],
  [52.62, 6.76],
  [52.47, 6.7],
  [52.44, 6.98],
  [52.38, 7.08],
  [52.23, 7.08],
  [52.07, 6.77],
  [51.97, 6.86],
  [51.86, 6.72],
  [51.82, 6.42],
  [51.81, 6.15],
  [51.79, 5.98],
  [51.7, 6.04],
  [51.65, 6.13],
  [51.5, 6.23],
  [51.37, 6.24],
  [51.23, 6.1],
  [51.15, 6.13],
  [51.03, 5.97],
  [51.0, 5.9],
  [50.95, 6.05],
  [50.84, 6.1],
  [50.74, 6.03],
  [50.74, 5.67],
  [50.85, 5.63],
  [51.0, 5.75],
  [51.09, 5.8],
  [51.15, 5.64],
  [51.26, 5.54],
  [51.26, 5.23],
  [51.38, 5.08],
  [51.43, 4.96],
  [51.41, 4.76],
  [51.44, 4.55],
  [51.36, 4.42],
  [51.36, 4.22],
  [51.25, 4.12],
  [51.2, 3.97],
  [51.2, 3.8],
  [51.27, 3.52],
  [51.22, 3.42],
];

/** Whether a place is in the Netherlands: then a ray to the east crosses the outline an odd number of times. */
export function isInNetherlands({ latitude, longitude }: Place): boolean {
  let isInside = false;
  OUTLINE.forEach(([lat, lon], i) => {
    const [nextLat, nextLon] = OUTLINE[(i + 1) % OUTLINE.length] ?? [lat, lon];
    const crosses =
      lat > latitude !== nextLat > latitude &&
      longitude < lon + ((latitude - lat) / (nextLat - lat)) * (nextLon - lon);
    if (crosses) isInside = !isInside;
  });
  return isInside;
}

const KM_PER_DEGREE = 111.2;

/** The straight distance on a plane, in kilometres. Within this country it is exact to one percent. */
export function distanceKm(from: Place, to: Place): number {
  const north = from.latitude - to.latitude;
  const east =
    (from.longitude - to.longitude) * Math.cos(((from.latitude + to.latitude) / 2) * (Math.PI / 180));
  return Math.hypot(north, east) * KM_PER_DEGREE;
}
