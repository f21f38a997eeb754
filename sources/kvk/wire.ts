import { z } from 'zod';

/**
 * What the KvK's APIs send (only the parts that are read): https://developers.kvk.nl/documentation. The APIs
 * omit fields without a value. Links are not read. The service sends them as `_links`, although the published
 * files say `links`.
 */

const yesOrNo = z
  .enum(['Ja', 'Nee'])
  .transform((word) => word === 'Ja')
  .nullish();

/** `yyyymmdd`. The register writes zeros for an unknown month or day; the result is then null. */
const day = z
  .string()
  .regex(/^\d{8}$/)
  .transform((text, context) => {
    const date = `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}`;
    if (/-00/.test(date)) return null;
    const moment = new Date(`${date}T00:00:00Z`);
    // Refuses the 31st of a shorter month, which Date would move to the next month.
    if (!Number.isNaN(moment.valueOf()) && moment.toISOString().startsWith(date)) return date;
    context.addIssue('not a day of the calendar');
    return z.NEVER;
  })
  .nullish();

const text = z.string().nullish();
const count = z.int32().min(0).nullish();
const texts = z.array(z.string()).nullish();

const address = z.object({
  type: text,
  indAfgeschermd: yesOrNo,
  volledigAdres: text,
  straatnaam: text,
  huisnummer: z.int().nullish(),
  huisletter: text,
  huisnummerToevoeging: text,
  postcode: text,
  postbusnummer: z.int().nullish(),
  plaats: text,
  /** Members of a foreign address. */
  straatHuisnummer: text,
  postcodeWoonplaats: text,
  land: text,
});
export type WireAddress = z.infer<typeof address>;

const names = z.array(z.object({ naam: z.string(), volgorde: z.int().nullish() })).nullish();
export type WireNames = z.infer<typeof names>;

const activities = z
  .array(z.object({ sbiCode: z.string(), sbiOmschrijving: text, indHoofdactiviteit: yesOrNo }))
  .nullish();
export type WireActivities = z.infer<typeof activities>;

const period = z.object({ datumAanvang: day, datumEinde: day }).nullish();

const kvkNumber = z.string().regex(/^\d{8}$/);
const branchNumber = z.string().regex(/^\d{12}$/);

export const branchProfile = z.object({
  vestigingsnummer: branchNumber,
  kvkNummer: kvkNumber.nullish(),
  formeleRegistratiedatum: day,
  materieleRegistratie: period,
  voltijdWerkzamePersonen: count,
  deeltijdWerkzamePersonen: count,
  totaalWerkzamePersonen: count,
  handelsnamen: names,
  adressen: z.array(address).nullish(),
  websites: texts,
  sbiActiviteiten: activities,
});
export type BranchProfile = z.infer<typeof branchProfile>;

export const basicProfile = z.object({
  kvkNummer: kvkNumber,
  indNonMailing: yesOrNo,
  naam: text,
  formeleRegistratiedatum: day,
  materieleRegistratie: period,
  totaalWerkzamePersonen: count,
  statutaireNaam: text,
  handelsnamen: names,
  sbiActiviteiten: activities,
  _embedded: z
    .object({
      hoofdvestiging: z.object({ adressen: z.array(address).nullish(), websites: texts }).nullish(),
      eigenaar: z
        .object({
          rsin: text,
          rechtsvorm: text,
          uitgebreideRechtsvorm: text,
          datumUitschrijving: day,
          adressen: z.array(address).nullish(),
          websites: texts,
        })
        .nullish(),
    })
    .nullish(),
});
export type BasicProfile = z.infer<typeof basicProfile>;

export const branchList = z.object({
  kvkNummer: kvkNumber.nullish(),
  totaalAantalVestigingen: count,
  vestigingen: z
    .array(
      z.object({
        vestigingsnummer: branchNumber,
        kvkNummer: kvkNumber.nullish(),
        eersteHandelsnaam: text,
        indHoofdvestiging: yesOrNo,
        indCommercieleVestiging: yesOrNo,
        indAdresAfgeschermd: yesOrNo,
        volledigAdres: text,
      }),
    )
    .nullish(),
});
export type BranchList = z.infer<typeof branchList>;

export const searchPage = z.object({
  resultaten: z.array(z.object({ kvkNummer: kvkNumber, naam: text })),
  /** A link to the next page. The last page has none. */
  volgende: text,
});
export type SearchPage = z.infer<typeof searchPage>;

const errors = z.object({ fout: z.array(z.object({ code: z.string() })).min(1) });

/** The meaning of an error: the register returns its own codes beside the status. */
export function readErrorKind(status: number, body: unknown): 'not-understood' | 'unavailable' | undefined {
  const read = errors.safeParse(body);
  const codes = read.success ? read.data.fout.map(({ code }) => code) : [];
  // The register has no data at the moment: https://developers.kvk.nl/documentation/release-notes/zoeken-api
  if (codes.includes('IPD1003')) return 'unavailable';
  // A search without results, or an unknown number. Any other 404 is the answer of an address that the KvK does not have.
  const isNothing = codes.includes('IPD5200') || codes.includes('IPD0005');
  return status === 404 && !isNothing ? 'not-understood' : undefined;
}
