// ECS: compares each document with the fields that the Elastic Common Schema defines, as Elastic's own
// package carries them: every field is one of them (or Lull's own, under `lull`), has a value of its
// type, is a list where it should be one, and has one of the values it may have. ecs.mjs FILE.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { createRequire } from "node:module";

const { EcsFlat, EcsVersion } = createRequire(import.meta.url)("@elastic/ecs");

const is = {
  keyword: (value) => typeof value === "string",
  match_only_text: (value) => typeof value === "string",
  wildcard: (value) => typeof value === "string",
  long: Number.isSafeInteger,
  ip: (value) => isIP(value) !== 0,
  date: (value) => !Number.isNaN(Date.parse(value)),
};

function fields(document, before = "") {
  return Object.entries(document).flatMap(([key, value]) => {
    const name = before + key;
    const inner = value !== null && typeof value === "object" && !Array.isArray(value);
    return inner ? fields(value, `${name}.`) : [[name, value]];
  });
}

function check(document) {
  const found = fields(document);
  for (const [name, value] of found) {
    if (name.startsWith("lull.")) continue;
    const field = EcsFlat[name];
    assert.ok(field, `${name} is not a field of ECS ${EcsVersion}`);
    assert.equal(Array.isArray(value), field.normalize.includes("array"), `${name}: list or not`);
    for (const one of [value].flat()) {
      assert.ok(is[field.type](one), `${name} is no ${field.type}: ${JSON.stringify(one)}`);
      const allowed = field.allowed_values?.map((known) => known.name);
      assert.ok(!allowed || allowed.includes(one), `${name} must not be ${one}`);
    }
  }
  for (const name of Object.keys(EcsFlat).filter((name) => EcsFlat[name].required)) {
    assert.ok(found.some(([other]) => other === name), `${name} is missing`);
  }
  for (const category of document.event.category) {
    const known = EcsFlat["event.category"].allowed_values.find(({ name }) => name === category);
    for (const type of document.event.type) {
      assert.ok(known.expected_event_types.includes(type), `${type} is not expected of ${category}`);
    }
  }
}

const cases = JSON.parse(readFileSync(process.argv[2], "utf8"));
assert.ok(cases.length > 0);
for (const { name, body, events: [said] } of cases) {
  const document = JSON.parse(body);
  try {
    check(document);
    assert.equal(document.ecs.version, EcsVersion);
    assert.equal(document["@timestamp"], said.created_at);
    assert.equal(document.event.id, said.id);
    assert.equal(document.event.action, said.action);
    assert.equal(document.event.outcome, said.outcome);
    assert.equal(document.event.severity, said.severity);
    assert.equal(document.event.hash ?? null, said.hash);
    assert.equal(document.user?.id ?? null, said.user?.id ?? null);
    assert.equal(document.source?.address ?? null, said.ip);
    assert.equal(document.user_agent?.original ?? null, said.user_agent);
    assert.deepEqual(JSON.parse(document.lull?.details ?? "{}"), said.details);
    assert.equal(document.lull?.target?.id ?? null, said.target?.id ?? null);
    // It can fail.
    const broken = { ...document, source: { ip: "here" } };
    assert.throws(() => check(broken), /no ip/);
    assert.throws(() => check({ ...document, hash: "x" }), /not a field/);
  } catch (error) {
    error.message = `${name}: ${error.message}`;
    throw error;
  }
}
