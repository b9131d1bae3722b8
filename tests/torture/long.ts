// Loaded before the tests by `npm run torture`.
process.env["FLAVOR_TORTURE"] = "long";
