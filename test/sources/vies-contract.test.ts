import { describe, expect, inject } from 'vitest';
import { createWorld } from '../../sources/stand-ins/seed.js';
import { vies } from '../../sources/vies/index.js';
import type { SeenRequest } from '../connectors/server.js';
import { fault, SOAP_11 } from '../connectors/soap-service.js';
import { at } from '../support/read.js';
import { describeSource } from './source-contract.js';
import type { SystemAnswer } from './source-subject.js';

const world = createWorld({ customers: inject('customers') });
const valid = [
  ...new Set(world.companies.flatMap(({ vatNumber }) => (vatNumber === undefined ? [] : [vatNumber]))),
].filter((vatNumber) => vatNumber !== 'NL807518311B01');

const by = (vatNumber: string, fields = 'vat { isValid }') => ({
  query: `query($by: CompanyKey!) { company(by: $by) { ${fields} } }`,
  variables: { by: { vatNumber } },
});
const known = { company: { vat: { isValid: true } } };
const nothing = { company: null };

const numberIn = ({ body }: SeenRequest) => /vatNumber>([^<]*)</.exec(body)?.[1] ?? '';
const run = (request: SeenRequest, more: string, vatNumber = numberIn(request)) =>
  `<soap:Envelope xmlns:soap="${SOAP_11}"><soap:Body>
    <checkVatResponse xmlns="urn:ec.europa.eu:taxud:vies:services:checkVat:types"><countryCode>NL</countryCode>
    <vatNumber>${vatNumber}</vatNumber><requestDate>2026-11-24+01:00</requestDate>${more}</checkVatResponse>
  </soap:Body></soap:Envelope>`;
const xml = (body: string, status = 200): SystemAnswer => ({
  body,
  status,
  headers: { 'content-type': 'text/xml; charset=utf-8' },
});

describe('the VAT check', () => {
  describeSource({
    source: vies,
    found: {
      'a VAT number': { ...by('NL801234566B01'), data: known },
      'a VAT number as it is written in Greece': { ...by('GR987651008'), data: known },
    },
    unknown: { 'a VAT number': { ...by('NL987652011B01'), data: nothing } },
    batches: {
      // Each number needs one call, because there are no batches. A repeated number needs no further call.
      'all companies, twice': {
        query: `{ ${[...valid, ...valid]
          .map((vatNumber, i) => `c${i}: company(by: { vatNumber: "${vatNumber}" }) { vat { isValid } }`)
          .join(' ')} }`,
        calls: valid.length,
        expectData: (data) => {
          expect([...valid, ...valid].map((_, i) => at(data, `c${i}`, 'vat', 'isValid'))).toEqual(
            [...valid, ...valid].map(() => true),
          );
        },
      },
    },
    pages: { noneBecause: 'an answer is about one number' },
    operation: by('NL801234566B01'),
    wrongCredentials: {
      noneBecause: 'the service is open, and blocks an address that sends too many requests',
    },
    byAnyText: {
      'a VAT number': (text) => ({ ...by(text), nothing }),
      'a Dutch VAT number': (text) => ({ ...by(`NL${text}`), nothing }),
    },
    http: {
      urlVariable: 'VIES_URL',
      // The request is in the body.
      paths: /^\/checkVatService$/,
      nothing: () => xml(fault('INVALID_INPUT')),
      // VIES returns a fault without Retry-After.
      rateLimit: { ...xml(fault('GLOBAL_MAX_CONCURRENT_REQ'), 200), retryAfter: undefined },
      refusal: xml(fault('IP_BLOCKED')),
      mismatches: [
        { answer: (request) => run(request, '<valid>maybe</valid>'), place: 'valid', value: 'maybe' },
        { answer: (request) => run(request, '<name>Jan BV</name>'), place: 'valid', value: 'Jan BV' },
        {
          answer: (request) => run(request, '<valid>true</valid>', '804376438B01'),
          place: 'not requested',
          value: '804376438',
        },
        { answer: () => '<html>Jan BV</html>', place: 'not a SOAP message', value: 'Jan BV' },
      ],
      // The first number is valid, the second is refused, and the tax office of the third is unavailable.
      partial: {
        query: `{ a: company(by: { vatNumber: "NL801234566B01" }) { vat { isValid } }
                  b: company(by: { vatNumber: "NL804376438B01" }) { vat { isValid } }
                  c: company(by: { vatNumber: "DE987650001" }) { vat { isValid } } }`,
        answer: (request) => {
          if (numberIn(request) === '801234566B01') return xml(run(request, '<valid>true</valid>'));
          return xml(fault(numberIn(request) === '987650001' ? 'MS_UNAVAILABLE' : 'INVALID_INPUT'));
        },
        data: { a: { vat: { isValid: true } }, b: null, c: null },
        errors: [{ path: ['c'], code: 'SOURCE_UNAVAILABLE' }],
      },
    },
  });
});
