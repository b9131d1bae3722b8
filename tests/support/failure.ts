import { PspfError } from "../../format/errors.ts";

/** The error of ours that `work` fails with. Anything else, success included, is thrown and fails the test. */
export async function failureOf(work: () => unknown): Promise<PspfError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof PspfError) return error;
    throw error;
  }
  throw new Error("Expected a failure, but it succeeded");
}
