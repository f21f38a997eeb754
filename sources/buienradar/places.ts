/** A place by its coordinates. */
export interface Place {
  latitude: number;
  longitude: number;
}

/** Pairs of latitude and longitude in hundredths of a degree. */
function placesIn(pairs: string): (readonly [latitude: number, longitude: number])[] {
  return pairs
    .trim()
    .split(/\s{2,}/)
    .map((pair) => {
      const [latitude = NaN, longitude = NaN] = pair.split(' ').map((number) => Number(number) / 100);
      return [latitude, longitude];
    });
}

/**
 * The middle of each postcode region, by the first two digits from 10 on. Made for this project. Exact to about ten
 * kilometres, within which the weather is similar.
 */
const REGIONS = placesIn(`
  5237 490  5236 493  5225 520  5237 522  5235 493  5245 481  5267 510  5280 485  5263 472  5249 464
  5238 463  5229 461  5213 440  5216 450  5213 468  5207 430  5200 434  5206 452  5198 472  5190 458
  5192 447  5190 433  5182 420  5182 470  5205 497  5209 511  5218 498  5214 525  5222 547  5203 535
  5190 550  5192 512  5182 497  5157 370  5148 390  5132 380  5153 425  5158 450  5158 477  5166 486
  5156 508  5162 498  5170 530  5178 545  5165 565  5138 538  5145 548  5146 570  5158 596  5138 610
  5122 585  5102 585  5085 571  5086 593  5090 599  5182 586  5187 575  5202 566  5198 590  5197 607
  5195 630  5200 663  5213 625  5221 598  5229 630  5226 688  5241 668  5257 655  5278 692  5271 635
  5250 605  5238 615  5253 560  5275 590  5296 605  5290 572  5303 566  5302 548  5320 545  5320 579
  5318 580  5333 595  5316 612  5313 642  5297 658  5298 695  5313 690  5322 657  5324 638  5334 668`);

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
const OUTLINE = placesIn(`
  5130 330  5146 335  5175 365  5200 392  5245 442  5295 462  5320 468  5336 495  5347 520  5350 595
  5360 650  5350 685  5325 723  5299 723  5264 708  5262 676  5247 670  5244 698  5238 708  5223 708
  5207 677  5197 686  5186 672  5182 642  5181 615  5179 598  5170 604  5165 613  5150 623  5137 624
  5123 610  5115 613  5103 597  5100 590  5095 605  5084 610  5074 603  5074 567  5085 563  5100 575
  5109 580  5115 564  5126 554  5126 523  5138 508  5143 496  5141 476  5144 455  5136 442  5136 422
  5125 412  5120 397  5120 380  5127 352  5122 342`);

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
