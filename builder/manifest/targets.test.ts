import { afterAll, describe, expect, test } from "bun:test";
import { createFixture, errorOf, toml } from "./fixture.ts";
import { parseManifest } from "./manifest.ts";

const { tomlPath, remove } = createFixture();
afterAll(remove);

describe("targets of two slots", () => {
  const two = (first: string, second: string) =>
    toml(`[[slots]]\nid = "a"\n${first}\n[[slots]]\nid = "b"\n${second}\n`);

  test.each([
    ['source = "uv"\ntarget = "x"', 'source = "uv"\ntarget = "./x"', '"x" is already the target of slots[0]'],
    ['source = "app"\ntarget = "x"', 'source = "uv"\ntarget = "x"', '"x" is already the target of slots[0]'],
    [
      'source = "uv"\ntarget = "x"',
      'source = "app"\ntarget = "x/y"',
      '"x/y" lies below the file of slots[0]',
    ],
    [
      'source = "uv"\ntarget = "x"\nplatform = "linux"',
      'source = "uv"\ntarget = "x"\nplatform = "linux-arm64-musl"',
      '"x" is already the target of slots[0]',
    ],
  ])("%#: meet", (first, second, text) => {
    expect(errorOf(two(first, second), tomlPath).problems).toEqual([`slots[1].target: ${text}`]);
  });

  test("the file may come second, its target is still a file", () => {
    const text = two('source = "app"\ntarget = "x/y"', 'source = "uv"\ntarget = "x"');
    expect(errorOf(text, tomlPath).problems).toEqual([
      'slots[0].target: "x/y" lies below the file of slots[1]',
    ]);
  });

  test.each([
    ['source = "app"\ntarget = "."', 'source = "app"\ntarget = "{workenv}"'],
    ['source = "env.tgz"\noperations = "tgz"\ntarget = "x"', 'source = "app"\ntarget = "x"'],
    ['source = "uv"\ntarget = "x"\nplatform = "linux"', 'source = "uv"\ntarget = "x"\nplatform = "darwin"'],
    ['source = "uv"\ntarget = "x"', 'source = "uv"\ntarget = "xy/z"'],
    ['source = "app"\ntarget = "x"', 'source = "app"\ntarget = "x/y"'],
    ['source = "env.tgz"\ntarget = "."', 'source = "uv"\ntarget = "{workenv}"'],
    ['source = "$SELF"\ntarget = "x"', 'source = "uv"\ntarget = "x"'],
  ])("%#: do not meet", (first, second) => {
    expect(parseManifest(two(first, second), tomlPath).slots.length).toBe(2);
  });
});
