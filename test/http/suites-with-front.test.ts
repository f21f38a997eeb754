import { runSuitesBy } from '../support/suites-about-requests.js';

await runSuitesBy('the lean front');
