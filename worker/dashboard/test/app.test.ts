// The pure parts of app/: messages, words for numbers, routes, searching, refusals.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";

import { refusal, withQuery } from "../src/app/api.ts";
import { ago, bytes, bytesPerS, duration, number, percent, share } from "../src/app/format.ts";
import { language, register, t } from "../src/app/i18n.ts";
import { nameOf } from "../src/app/keys.ts";
import { match } from "../src/app/routes.ts";
import { best, fit } from "../src/app/search.ts";
import { sentence } from "../src/ui/form.ts";

const messages = path.join(import.meta.dirname, "../src/messages");
const read = (lang: string, name: string): Record<string, string> => JSON.parse(fs.readFileSync(path.join(messages, lang, name), "utf8"));
register("common", { en: read("en", "common.json"), zh: read("zh", "common.json") });

test("every message is there in both languages, with the same values in it", () => {
  const names = fs.readdirSync(path.join(messages, "en"));
  assert.deepEqual(fs.readdirSync(path.join(messages, "zh")), names);
  for (const name of names) {
    const [en, zh] = [read("en", name), read("zh", name)];
    // Chinese has one form where English has two.
    const plain = (all: Record<string, string>): string[] => [...new Set(Object.keys(all).map((key) => key.replace(/\.(one|other)$/, "")))].sort();
    assert.deepEqual(plain(zh), plain(en), name);
    const values = (text: string | undefined): string[] => [...new Set([...(text ?? "").matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? ""))].sort();
    for (const key of plain(en)) {
      const english = en[`${key}.other`] ?? en[key];
      assert.deepEqual(values(zh[`${key}.other`] ?? zh[key]), values(english), `${name}: ${key}`);
    }
  }
});

test("a message has its values, its plural, and its key when it is missing", () => {
  register("test", { en: { "hosts.one": "{count} host", "hosts.other": "{count} hosts", hello: "Hello {name}, {other}" }, zh: { hosts: "{count} 台" } });
  assert.equal(t("test.hosts", { count: 1 }), "1 host");
  assert.equal(t("test.hosts", { count: 1200 }), "1,200 hosts");
  assert.equal(t("test.hello", { name: "$&" }), "Hello $&, {other}");
  assert.equal(t("test.nothing"), "test.nothing");
  language.value = "zh";
  assert.equal(t("test.hosts", { count: 1 }), "1 台");
  assert.equal(t("test.hello", { name: "x" }), "Hello x, {other}", "English where Chinese has none");
  language.value = "en";
});

test("numbers in words", () => {
  assert.equal(bytes(999), "999 B");
  assert.equal(bytes(1000), "1.0 KiB");
  assert.equal(bytes(8 * 2 ** 30), "8.0 GiB");
  assert.equal(bytes(102_000_000), "97.3 MiB");
  assert.equal(bytes(104_820_000), "100 MiB", "never four digits");
  assert.equal(bytes(undefined), "–");
  assert.equal(bytesPerS(0), "0 B/s");
  assert.equal(bytesPerS(null), "–");
  assert.equal(percent(0), "0 %");
  assert.equal(percent(3.14), "3.1 %");
  assert.equal(percent(9.97), "10 %");
  assert.equal(percent(Number.NaN), "–");
  assert.equal(number(1234.5678), "1,234.57");
  assert.equal(number(1, 2), "1.00");
  assert.equal(share(1, 0), undefined);
  assert.equal(share(3, 4), 75);
  assert.equal(share(5, 4), 100);
});

test("times in words", () => {
  assert.equal(duration(0), "0 s");
  assert.equal(duration(59.9), "59 s");
  assert.equal(duration(3600), "1 h");
  assert.equal(duration(3661), "1 h 1 min");
  assert.equal(duration(90_061), "1 d 1 h");
  assert.equal(duration(-1), "–");
  assert.equal(ago(undefined), "never");
  assert.equal(ago(1000, 1_010_000), "now");
  assert.equal(ago(1000, 1_000_000 + 125_000), "2 min ago");
});

test("addresses lead to pages, and what is no address of ours to none", () => {
  const page = (address: string): string | undefined => match(address)?.route.page;
  assert.equal(page("/"), "fleet");
  assert.equal(page("/ui/hosts/7"), "host");
  assert.deepEqual(match("/ui/hosts/7/edit")?.params, { id: "7" });
  assert.deepEqual(match("/ui/rules/new")?.params, { id: "new" });
  assert.deepEqual(match("/ui/settings/tokens")?.params, { section: "tokens" });
  for (const address of ["/ui/hosts/alpha", "/ui/hosts/", "/ui/nothing", "/ui/hosts/7/", "/ui/hosts/-7", "/other"]) assert.equal(page(address), undefined, address);
});

test("what begins with what was typed comes first", () => {
  assert.ok(fit("web", "web-1") > fit("web", "my-web"));
  assert.ok(fit("web", "my-web") > fit("web", "cobweb"));
  assert.equal(fit("web nothing", "web-1"), 0);
  assert.ok(fit("web prod", "web-1", "production") > 0);
  assert.deepEqual(best("b", ["abc", "b", "bcd", "xyz"], (one) => [one], 2), ["b", "bcd"]);
  assert.deepEqual(best("", ["a", "b"], (one) => [one], 9), ["a", "b"]);
});

test("a refusal keeps the server's words, whoever refused", () => {
  const own = refusal(400, '{"error":{"code":"invalid","message":"name: is empty","field":"name"}}', null);
  assert.deepEqual([own.status, own.code, own.field, own.message], [400, "invalid", "name", "name: is empty"]);
  assert.equal(refusal(429, '{"error":{"code":"too_many_attempts","message":"too many attempts; try again in 7 s, or"}}', null).retryAfterS, 7);
  assert.equal(refusal(429, "{}", "12").retryAfterS, 12);
  assert.equal(refusal(502, "<html>", null).code, "http_502");
  assert.equal(sentence("name: is empty", "name"), "Is empty.");
  assert.equal(withQuery("/a", { b: 1, c: undefined, d: "x y" }), "/a?b=1&d=x+y");
  assert.equal(withQuery("/a", { c: undefined }), "/a");
});

test("keys have the names that bindings use", () => {
  const key = (name: string, more = {}) => nameOf({ key: name, ctrlKey: false, metaKey: false, altKey: false, ...more });
  assert.equal(key("K", { ctrlKey: true }), "mod+k");
  assert.equal(key("k", { metaKey: true }), "mod+k");
  assert.equal(key("?"), "?");
  assert.equal(key("Shift"), null);
  assert.equal(key("j", { altKey: true }), null);
});
