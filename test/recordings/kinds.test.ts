import { expect, it } from 'vitest';
import { testDependencies } from '../../src/cli/gateway-under-test.js';
import type { Recording } from '../../src/recordings/recording.js';
import { testSource } from '../../src/recordings/test-source.js';
import { BOOKSHOP_SDL, BOOKSHOP_YAML } from '../declared/bookshop.js';
import { INVOICING_SDL, INVOICING_YAML } from '../declared/invoicing.js';
import { SCHOOL_SDL, SCHOOL_YAML } from '../declared/driving-school.js';
import { PARKING_SDL, PARKING_YAML } from '../declared/parking.js';
import { compiled } from '../declared/warranty.js';
import {
  BOOKSHOP_RECORDING,
  INVOICING_RECORDING,
  PARKING_RECORDING,
  POST_RECORDING,
  POST_SDL,
  POST_YAML,
  SCHOOL_RECORDING,
} from './kinds.js';

const kinds: [kind: string, yaml: string, sdl: string, recording: Recording][] = [
  ['GraphQL', BOOKSHOP_YAML, BOOKSHOP_SDL, BOOKSHOP_RECORDING],
  ['OData', INVOICING_YAML, INVOICING_SDL, INVOICING_RECORDING],
  ['REST, and has no customers of its own', POST_YAML, POST_SDL, POST_RECORDING],
  ['files', PARKING_YAML, PARKING_SDL, PARKING_RECORDING],
  ['SQL', SCHOOL_YAML, SCHOOL_SDL, SCHOOL_RECORDING],
];

it.each(kinds)(
  'a right declaration of a system that speaks %s breaks no promise',
  async (_, yaml, sdl, recording) => {
    const report = await testSource({ ...compiled(yaml, sdl), recording }, testDependencies);
    expect(report.notTested).toBeUndefined();
    expect(report.promises.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
  },
);
