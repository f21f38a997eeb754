import { expect, it } from 'vitest';
import { sources } from '../../sources/index.js';

it('loaders say whom their answers are about, so that news of one customer takes nothing from the others', () => {
  const silent = sources.flatMap(({ name, loaders = [] }) =>
    loaders.filter((loader) => loader.about === undefined).map((loader) => `${name} ${loader.name}`),
  );
  // Lists of what many people did: somebody who is new in them could not be found in what is kept.
  expect(silent).toEqual(['contact-centre ticketsCopiedToUsers', 'facebook leadsOfPage']);
});
