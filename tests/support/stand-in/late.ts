/** Loaded on demand only. */
export const late = () => "loaded late";
