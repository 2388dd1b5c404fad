// The functions of the room Run that only compute: run by `node --test`, which tests/lab/test_modules.py starts.

import assert from "node:assert/strict";
import { test } from "node:test";

const page = new URL("../../../src/pellucid/lab/page/", import.meta.url);
const load = (name) => import(new URL(name, page));

const { cellOf } = await load("run.js");
const { scaleFor, spread } = await load("runcurves.js");
const { shade, worstOf } = await load("runmatrix.js");
const { insideLink } = await load("runpictures.js");

test("a scale holds all values and has round ticks", () => {
  assert.deepEqual(scaleFor([0.1, 0.93], { from: 0 }).ticks, [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(scaleFor([0.57, 0.95], { to: 1 }), { low: 0.5, high: 1, ticks: [0.5, 0.6, 0.7, 0.8, 0.9, 1] });
  assert.deepEqual(scaleFor([1, 3], { whole: true, most: 8 }).ticks, [1, 2, 3]);
  assert.deepEqual(scaleFor([1, 2], { whole: true, most: 8 }).ticks, [1, 2]);
  for (const values of [[0, 0], [5], [1e-9, 2e-9], [0, 1e9], [-3, 7], [2.302585, 0.1]]) {
    const { low, high, ticks } = scaleFor(values);
    assert.ok(low <= Math.min(...values) && high >= Math.max(...values) && high > low, String(values));
    assert.ok(ticks.length >= 2 && ticks.length <= 8 && ticks.every(Number.isFinite), String(ticks));
  }
});

test("labels keep their order and their distance", () => {
  assert.deepEqual(spread([10, 50], 16), [10, 50]);
  assert.deepEqual(spread([12, 10], 16), [26, 10]);
  assert.deepEqual(spread([10, 10], 16), [10, 26]);
});

test("right is blue and wrong is orange, full where it is worst", () => {
  const shares = [[1, 0], [0.25, 0.75]];
  assert.equal(worstOf(shares), 0.25);
  assert.deepEqual(shade(shares, 0, 0, 0.25), [33, 102, 172]);
  assert.deepEqual(shade(shares, 1, 0, 0.25), [230, 97, 1]);
  assert.deepEqual(shade(shares, 0, 1, 0.25), [255, 255, 255]);
  assert.equal(worstOf([[1]]), 0);
});

test("a picture of a run is an address of the room Inside", () => {
  assert.equal(insideLink("run/runs/a b", "run/runs/a b#3"), "#inside?network=run%2Fruns%2Fa+b&picture=run%2Fruns%2Fa+b%233");
});

test("a cell is a row and a column", () => {
  assert.deepEqual(cellOf("3,12"), { row: 3, column: 12 });
  for (const wrong of [undefined, "", "3", "a,b", "-1,2", "1,2,3", "1,99999"]) assert.equal(cellOf(wrong), null);
});
