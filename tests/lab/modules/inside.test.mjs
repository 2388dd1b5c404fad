// The functions of the room Inside that only compute: run by `node --test`, which tests/lab/test_modules.py starts.

import assert from "node:assert/strict";
import { test } from "node:test";

const page = new URL("../../../src/pellucid/lab/page/", import.meta.url);
const load = (name) => import(new URL(name, page));

const { hurried, inTurn, unframed } = await load("ask.js");
const { indexAt, indexOf, placeIn } = await load("insideplace.js");
const { firstName } = await load("insideanswer.js");
const { indexTold, pixelsTold, spanTold, wonTold } = await load("insidecell.js");
const { byNumber, groupsOf, groupTitle, listedChannels, neighbour } = await load("insidelayers.js");
const { cellPixels, fitted, READABLE, strongest } = await load("insidemap.js");
const { cellUnder, drawnSize } = await load("insidepicture.js");
const { timeLeft } = await load("insidesaliency.js");

test("work in turn is all done, one after the other, and a failure stops no other", async () => {
  const done = [], turn = inTurn();
  const work = (name) => turn(async () => { await new Promise((next) => setTimeout(next, 5)); done.push(name); if (name === "b") throw new Error("no"); });
  const all = ["a", "b", "c"].map(work);
  await assert.rejects(all[1], /no/);
  await Promise.all([all[0], all[2]]);
  assert.deepEqual(done, ["a", "b", "c"]);
});

test("a reply with bytes in it is taken apart", () => {
  const head = new TextEncoder().encode('{"reply": {"a": 1}, "bytes": [["b", 2], ["c", 4]]}');
  const body = new Uint8Array(4 + head.length + 6);
  new DataView(body.buffer).setUint32(0, head.length, true);
  body.set(head, 4);
  new DataView(body.buffer).setFloat32(4 + head.length + 2, -1.5, true);
  const reply = unframed(body.buffer);
  assert.equal(reply.a, 1);
  assert.equal(reply.b.byteLength, 2);
  assert.deepEqual([...new Float32Array(reply.c)], [-1.5]);
});

test("of what comes faster than it is done only the last is done", async () => {
  const done = [];
  const go = hurried(async (name) => { await new Promise((next) => setTimeout(next, 5)); done.push(name); });
  go("a"); go("b"); go("c");
  await go("d");
  assert.deepEqual(done, ["a", "d"]);
  await go("e");
  assert.deepEqual(done, ["a", "d", "e"]);
  const failing = hurried(async () => { throw new Error("no"); });
  await assert.rejects(failing(), /no/);
  await assert.rejects(failing(), /no/);
});

test("a cell's place in an address and in a map", () => {
  assert.deepEqual(indexOf("1,2,3"), [1, 2, 3]);
  assert.deepEqual(indexOf("7"), [7]);
  for (const wrong of [undefined, "", "1,2", "-1,0,0", "1.5", "a", "1,2,3,4", "<img>"]) assert.equal(indexOf(wrong), null);
  const map = { flat: false, shape: [8, 4, 5] }, row = { flat: true, shape: [30] }, pooled = { flat: true, shape: [30, 1, 1] };
  assert.deepEqual(placeIn(map, [2, 3, 4], 5), { row: 3, column: 4 });
  assert.deepEqual(placeIn(row, [13], 6), { row: 2, column: 1 });
  assert.deepEqual(indexAt(map, 2, { row: 3, column: 4 }, 5), [2, 3, 4]);
  assert.deepEqual(indexAt(row, 0, { row: 2, column: 1 }, 6), [13]);
  assert.deepEqual(indexAt(pooled, 0, { row: 2, column: 1 }, 6), [13, 0, 0]);
});

test("places, pixels and winners are told in words", () => {
  assert.equal(spanTold("row", { first: 3, last: 3, count: 1 }), "row 3");
  assert.equal(spanTold("row", { first: 3, last: 5, count: 3 }), "rows 3 to 5");
  assert.equal(spanTold("channel", { first: 0, last: 9, count: 4 }), "4 channels from 0 to 9");
  assert.equal(spanTold("row", null), "");
  assert.equal(indexTold([4]), "unit 4");
  assert.equal(indexTold([4, 5, 6]), "channel 4, row 5, column 6");
  const pixels = { top: 0, left: 2, bottom: 4, right: 6, exact: true, beyond: { top: 1, left: 0, bottom: 0, right: 2 } };
  assert.equal(pixelsTold(pixels), "Pixels: rows 0 to 4, columns 2 to 6, framed on the picture; beyond its edges padding stands in (1 above, 2 to the right).");
  assert.match(pixelsTold({ ...pixels, exact: false }), /; at most, for a layer on the way is of an unknown kind\.$/);
  assert.equal(pixelsTold(null), "No pixel can change it.");
  assert.equal(wonTold({ won: 1, cells: 1 }), "it wins its window");
  assert.equal(wonTold({ won: 0, cells: 1 }), "another wins the window");
  assert.equal(wonTold({ won: 2, cells: 4 }), "it wins 2 of 4 windows");
  assert.equal(wonTold({ won: null, cells: 4 }), "");
  assert.equal(firstName("koala, koala bear, kangaroo bear"), "koala");
  assert.equal(firstName("crane (bird, large), x"), "crane (bird, large)");
});

test("layers fold into groups, and a group has a name", () => {
  const layers = [["stem", "stem"], ["bn", "stem"], ["b.0.a", "b.0"], ["b.0.b", "b.0"], ["head", "head"]].map(([name, group]) => ({ name, group }));
  const groups = groupsOf(layers);
  assert.deepEqual(groups.map(groupTitle), ["stem to bn", "b.0", "head"]);
});

test("a column shows few channels, and always the chosen one", () => {
  const order = Array.from({ length: 40 }, (_, at) => 39 - at);
  assert.equal(listedChannels(order, false, 39).length, 18);
  assert.deepEqual(listedChannels(order, false, 39).slice(0, 2), [39, 38]);
  assert.equal(listedChannels(order, false, 3).at(-1), 3);
  assert.deepEqual(listedChannels(byNumber(order), false, 0).slice(0, 3), [0, 1, 2]);
  assert.equal(listedChannels(order, true, 3).length, 40);
  assert.equal(listedChannels(order, false, -1).includes(-1), false);
});

test("the time left follows from the time passed", () => {
  assert.equal(timeLeft(0, 100, 50), "");
  assert.equal(timeLeft(25, 100, 1000), ", about 3 s left");
  assert.equal(timeLeft(99, 100, 9900), ", about 1 s left");
});

test("arrow keys move among the thumbnails and on to the next layer", () => {
  assert.equal(neighbour(0, "ArrowRight", 7, 3), 1);
  assert.equal(neighbour(2, "ArrowRight", 7, 3), "right");
  assert.equal(neighbour(6, "ArrowRight", 7, 3), "right");
  assert.equal(neighbour(3, "ArrowLeft", 7, 3), "left");
  assert.equal(neighbour(1, "ArrowDown", 7, 3), 4);
  assert.equal(neighbour(5, "ArrowDown", 7, 3), 5);
  assert.equal(neighbour(1, "ArrowUp", 7, 3), 1);
  assert.equal(neighbour(4, "Home", 7, 3), 0);
  assert.equal(neighbour(4, "End", 7, 3), 6);
  assert.equal(neighbour(4, "a", 7, 3), null);
});

test("a number is cut to the letters that there is room for, and never says what it is not", () => {
  const cases = [[0.7312, 6, "0.7312"], [0.7312, 5, ".7312"], [0.7312, 3, ".73"], [0.7312, 2, ".7"], [0.7312, 1, ""], [-0.5, 3, "-.5"], [-0.5, 2, ""],
    [12.34, 4, "12.3"], [12.34, 2, "12"], [123.4, 2, ""], [0, 1, "0"], [0.001, 2, "0"], [5, 1, "5"], [NaN, 9, ""], [1e-9, 6, "0"], [0.04, 1, "0"], [0.06, 1, ""]];
  for (const [value, letters, text] of cases) assert.equal(fitted(value, letters), text, `${value} in ${letters}`);
});

test("cells have whole pixels, and numbers from 12 on", () => {
  assert.equal(cellPixels(28, 28), 14);
  assert.ok(cellPixels(28, 28) >= READABLE && cellPixels(112, 112) < READABLE);
  assert.equal(cellPixels(1000, 1), 1);
  assert.deepEqual(strongest({ values: [NaN, 1, -3, 2], width: 2 }), { row: 1, column: 0 });
});

test("small pictures are drawn in whole pixels, and a pixel leads to the cell above it", () => {
  assert.deepEqual(drawnSize(28, 28), { height: 224, width: 224, scale: 8 });
  assert.deepEqual(drawnSize(448, 224), { height: 224, width: 112, scale: 0.5 });
  assert.deepEqual(cellUnder({ row: 223, column: 0 }, { height: 224, width: 224 }, { height: 7, width: 7 }), { row: 6, column: 0 });
});

test("a pen moves in steps and stays on the paper", async () => {
  const { penMoved } = await load("insidepad.js");
  assert.deepEqual(penMoved({ x: 112, y: 112 }, "ArrowLeft"), { x: 104, y: 112 });
  assert.deepEqual(penMoved({ x: 112, y: 8 }, "ArrowUp"), { x: 112, y: 8 });
  assert.equal(penMoved({ x: 0, y: 0 }, "a"), null);
});

test("why there is no camera is told in words", async () => {
  const { cameraTold } = await load("insidegive.js");
  assert.match(cameraTold(Object.assign(new Error(), { name: "NotAllowedError" })), /does not let this page use the camera/);
  assert.match(cameraTold(Object.assign(new Error(), { name: "NotFoundError" })), /No camera is connected/);
  assert.match(cameraTold("x"), /cannot be used here/);
});

test("what an address says of saliency, and what of it is wrong", async () => {
  const { saliencyOf } = await load("insidesaliency.js");
  assert.deepEqual(saliencyOf({ saliency: "layer-cam", for: "3", over: "20" }), { method: "layer-cam", unit: 3, part: 20 });
  assert.deepEqual(saliencyOf({ saliency: "<img>", for: "x", over: "999" }), { method: "", unit: null, part: 100 });
});

test("several maps have one scale", async () => {
  const { ownScale } = await load("insidemap.js");
  assert.equal(ownScale({ least: -3, largest: 2 }, { least: 0, largest: 4 }), 4);
  assert.equal(ownScale({ least: null, largest: null }, undefined), 0);
});

test("a copied table has a line for each row and every digit", async () => {
  const { plainText } = await load("insidedigits.js");
  const node = (nodeName, childNodes = [], dataset = {}) => ({ nodeType: 1, nodeName, childNodes, dataset });
  const text = (nodeValue) => ({ nodeType: 3, nodeName: "#text", nodeValue });
  const row = node("TR", [node("TH", [text("sum")]), node("TD", [text("0.3333")], { value: "0.3333333333333333" })]);
  assert.equal(plainText(node("TBODY", [row, row])), "sum\t0.3333333333333333\nsum\t0.3333333333333333\n");
});
