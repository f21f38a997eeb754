/** Composes subgraphs, given as JSON on standard input, into a supergraph on standard output. */
import { text } from 'node:stream/consumers';
import process from 'node:process';
import { composeServices } from '@theguild/federation-composition';
import { parse } from 'graphql';

const subgraphs = JSON.parse(await text(process.stdin));
const { supergraphSdl, errors } = composeServices(
  subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) })),
);
if (supergraphSdl === undefined) throw new Error(errors.map(({ message }) => message).join('\n'));
process.stdout.write(supergraphSdl);
