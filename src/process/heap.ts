import { setFlagsFromString } from 'node:v8';

/**
 * Lets the heap grow to twice what is in use before old garbage is looked for. By itself V8 lets it pile up to four times
 * what is in use, which is memory that others on the machine could have. Half of what is in use would be too little:
 * looking for it again and again took a tenth of the time.
 *
 * And lets nothing be old from birth. While the schema is put together nearly all that is made stays, from which V8 learns
 * that Maps, lists and objects of its places in the code had better lie among what is old at once. Requests come by the
 * same places; what they make would lie there until the next full collection, and all else of the request with it.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=100');
  setFlagsFromString('--no-allocation-site-pretenuring');
}
