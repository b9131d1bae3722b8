/**
 * What encoder and decoder of LZMA share: the adaptive bits and the states. Specification: "LZMA specification" of the
 * LZMA SDK. All probabilities live in one array; these are the places.
 */
const STATES = 12;
const POSITION_STATES = 16;

export const IS_MATCH = 0;
export const IS_REP = IS_MATCH + STATES * POSITION_STATES;
export const IS_REP_G0 = IS_REP + STATES;
export const IS_REP_G1 = IS_REP_G0 + STATES;
export const IS_REP_G2 = IS_REP_G1 + STATES;
export const IS_REP0_LONG = IS_REP_G2 + STATES;
export const DISTANCE_SLOT = IS_REP0_LONG + STATES * POSITION_STATES;
/** Four trees of 64, by match length. */
export const DISTANCE_SPECIAL = DISTANCE_SLOT + 4 * 64;
export const DISTANCE_ALIGN = DISTANCE_SPECIAL + 128;
export const MATCH_LENGTH = DISTANCE_ALIGN + 16;
/** Inside a length coder: two choices, then low and middle trees by position, then the high tree. */
export const LENGTH_LOW = 2;
export const LENGTH_MIDDLE = LENGTH_LOW + POSITION_STATES * 8;
export const LENGTH_HIGH = LENGTH_MIDDLE + POSITION_STATES * 8;
const LENGTH_CODER = LENGTH_HIGH + 256;
export const REP_LENGTH = MATCH_LENGTH + LENGTH_CODER;
export const LITERAL = REP_LENGTH + LENGTH_CODER;
export const LITERAL_CODER = 0x300;

/** Even odds, of 2048. */
export const EVEN = 1024;

export const MIN_MATCH = 2;
export const MAX_MATCH = 273;

/** States below this one follow a literal. */
export const FIRST_MATCH_STATE = 7;
export const afterLiteral = (state: number): number => (state < 4 ? 0 : state < 10 ? state - 3 : state - 6);
export const afterMatch = (state: number): number => (state < FIRST_MATCH_STATE ? 7 : 10);
export const afterRep = (state: number): number => (state < FIRST_MATCH_STATE ? 8 : 11);
export const afterShortRep = (state: number): number => (state < FIRST_MATCH_STATE ? 9 : 11);

/** A fresh array of probabilities for these literal bits: `lc` high bits of the byte before, `lp` of the position. */
export const createProbabilities = (literalBits: number): Uint16Array =>
  new Uint16Array(LITERAL + (LITERAL_CODER << literalBits)).fill(EVEN);
