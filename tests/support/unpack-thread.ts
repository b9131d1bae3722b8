/** A thread of the launcher that unpacks, without the launcher. */
import { runUnpackWorker } from "../../format/workenv/unpacking/unpack-worker.ts";

await runUnpackWorker();
