/**
 * Lets a program of Bun that preloads or imports it believe in another clock, as FLAVOR_TEST_CLOCK says: with "hasty" a
 * second passes from each look at it to the next one, with "still" no time passes at all.
 */
const { FLAVOR_TEST_CLOCK } = process.env;
let looks = 0;
if (FLAVOR_TEST_CLOCK === "hasty") performance.now = () => 1000 * ++looks;
if (FLAVOR_TEST_CLOCK === "still") performance.now = () => 0;
