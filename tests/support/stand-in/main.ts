/** The smallest program with the shape of the launcher: knows its own path, loads a part of itself late. */
const [deed] = process.argv.slice(2);
if (deed === "late") process.stdout.write((await import("./late.ts")).late());
else process.stdout.write(JSON.stringify({ program: "stand-in", path: process.execPath }));
// No code that Bun itself would end with.
process.exitCode = 42;
