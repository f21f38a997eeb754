import { runSuitesBy } from '../support/suites-about-requests.js';

runSuitesBy('the lean front');
