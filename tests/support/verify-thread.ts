/** A thread of `flavor verify`, without the command line. */
import { runVerifyWorker } from "../../format/verifying/verify-worker.ts";

await runVerifyWorker();
