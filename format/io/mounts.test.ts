import { expect, test } from "bun:test";
import fc from "fast-check";
import { noexecMountOf, readMountinfo } from "./mounts.ts";

const MOUNTS = `22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
23 22 0:5 / /tmp rw,nosuid,noexec - tmpfs tmpfs rw
24 23 0:6 / /tmp/exec rw,nosuid - tmpfs tmpfs rw,noexec
25 22 0:7 / /mnt/a\\040b rw,noexec shared:1 - tmpfs tmpfs rw
26 22 0:8 / /over rw,noexec - tmpfs tmpfs rw
27 26 0:9 / /over rw - tmpfs tmpfs rw
`;

test.each([
  ["/tmp", "/tmp"],
  ["/tmp/x/y", "/tmp"],
  ["/tmpfile", undefined],
  ["/tmp/exec/x", undefined],
  ["/mnt/a b/c", "/mnt/a b"],
  ["/over/x", undefined],
  ["/home/u", undefined],
])("%s is under the noexec mount %p", (path, expected) => {
  expect(noexecMountOf(path, MOUNTS)).toBe(expected);
});

test("what is no list of mounts has none", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (path, text) => {
      expect(noexecMountOf(`/${path}`, text.replaceAll("noexec", ""))).toBeUndefined();
    }),
  );
});

test.skipIf(process.platform !== "linux")("the mounts of this process are told", () => {
  expect(readMountinfo()).toMatch(/ \/ /);
});
