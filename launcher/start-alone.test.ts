import { afterEach, beforeEach, expect, test } from "bun:test";
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../tests/support/temp-dir.ts";

let dir: ReturnType<typeof tempDir>;
beforeEach(() => {
  dir = tempDir();
});
afterEach(() => dir[Symbol.dispose]());

const until = async (condition: () => boolean) => {
  while (!condition()) await Bun.sleep(10);
};

// Says what it sees of itself, and ends when `flag` is gone.
const ALONE = `
echo "parent $PPID"; echo "folder $(pwd)"; echo "argument $2"; echo "variables $(env | cut -d= -f1 | sort | tr '\\n' ' ')"
for fd in /proc/$$/fd/*; do echo "file $(readlink $fd)"; done
cut -d' ' -f5,6,7 < /proc/$$/stat 2>/dev/null
mv "$1.part" "$1.said"; while [ -e "$1" ]; do sleep 0.02; done; rm "$1.said"
`;

/** A process that starts another one alone, and then becomes a shell that looks at its children. */
const driver = (flag: string) => `
import { startAlone } from ${JSON.stringify(join(import.meta.dir, "start-alone.ts"))};
const flag = ${JSON.stringify(flag)};
startAlone({ program: "/bin/sh", args: ["-c", 'exec > "$1.part"; ' + ${JSON.stringify(ALONE)}, "sh", flag, "a b"], env: { ONE: "1", PATH: "/usr/bin:/bin" } });
process.execve("/bin/sh", ["sh", "-c", 'trap "echo child" CHLD; read children < /proc/$$/task/$$/children; echo "pid $$ children ($children)"; wait; echo "waited $?"'], { PATH: "/usr/bin:/bin" });
`;

test.skipIf(process.platform === "win32")(
  "who becomes another program afterwards has no child, and the other one nothing of it",
  async () => {
    const flag = join(dir.path, "flag");
    const script = join(dir.path, "driver.ts");
    writeFileSync(flag, "");
    writeFileSync(script, driver(flag));
    const extra = openSync(join(dir.path, "extra"), "w");
    try {
      const child = Bun.spawn([process.execPath, script], {
        stdio: ["ignore", "pipe", "pipe", extra],
        cwd: dir.path,
      });
      const said = (await new Response(child.stdout).text()).trim().split("\n");
      expect([await new Response(child.stderr).text(), await child.exited]).toEqual(["", 0]);
      await until(() => existsSync(`${flag}.said`));
      const seen = readFileSync(`${flag}.said`, "utf8").trim().split("\n");
      if (process.platform === "linux") {
        expect(said).toEqual([`pid ${child.pid} children ()`, "waited 0"]);
        const files = seen.filter((line) => line.startsWith("file ") && !line.includes("pipe:"));
        expect(files).toEqual(["file /dev/null", `file ${flag}.part`, "file /dev/null"]);
        const [group, session, terminal] = (seen.at(-1) as string).split(" ");
        expect(terminal).toBe("0");
        expect(group).toBe(session as string);
        expect(session).not.toBe(readFileSync("/proc/self/stat", "utf8").split(" ").at(5) as string);
      }
      expect(seen[0]).not.toBe(`parent ${child.pid}`);
      expect(seen.slice(1, 3)).toEqual(["folder /", "argument a b"]);
      expect(seen[3]?.split(" ").filter((name) => !["PWD", "SHLVL", "_", "OLDPWD"].includes(name))).toEqual([
        "variables",
        "ONE",
        "PATH",
        "",
      ]);
    } finally {
      closeSync(extra);
      rmSync(flag, { force: true });
      await until(() => !existsSync(`${flag}.said`));
    }
  },
);
