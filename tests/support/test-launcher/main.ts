/** Our launcher with fail points. What comes first runs first. */
import "../fail-points.ts";
import "../../../launcher/main.ts";
