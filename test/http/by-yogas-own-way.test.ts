import { runSuitesBy } from '../support/suites-about-requests.js';

runSuitesBy("Yoga's own way");
