import { runSuitesBy } from '../support/suites-about-requests.js';

await runSuitesBy('Yoga alone');
