/** The network: every live call as it moves, what its citizen may do, and what goes wrong. */

import { clock, liveAddress, placeOf, speak, token, words } from "/static/words.js";

const TIMES = [1, 2, 5, null];
const element = (id) => document.getElementById(id);
const rows = new Map();
const injected = new Map();
const chosen = new Map();
const MANNERS = ["answers", "no-answer", "busy", "machine", "failed"];
let people = []; // whom to suggest
let seen = { calls: [], devices: {}, injections: [], strikes: {}, down: false, callees: [] };
let received = Date.now();

async function ask(method, path, body) {
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
    if (!response.ok) notice((await response.json()).detail);
  } catch {
    notice(words().offline);
  }
}

function notice(text) {
  element("notice").hidden = !text;
  element("notice").textContent = typeof text === "string" ? text : words().error;
}

function made(tag, className = "", text = "") {
  const one = document.createElement(tag);
  if (className) one.className = className;
  if (text) one.textContent = text;
  return one;
}

/** Text is written only where it changed, so that nothing that has the focus is ever replaced. */
function say(one, text) {
  if (one.textContent !== text) one.textContent = text;
}

// -- calls ----------------------------------------------------------------------------------------------------

function addRow(call) {
  const row = made("tr");
  const cells = Object.fromEntries(["direction", "from", "to", "state", "room", "elapsed", "heard", "do"].map((name) => {
    const cell = made("td", ["from", "to", "elapsed"].includes(name) ? "number" : "");
    row.append(cell);
    return [name, cell];
  }));
  const state = made("span", "state");
  cells.state.append(state);
  const keys = made("form", "keys");
  const digits = made("input");
  Object.assign(digits, { type: "text", inputMode: "numeric", pattern: "[0-9*#]{1,40}", maxLength: 40, required: true, autocomplete: "off" });
  const press = made("button");
  keys.append(digits, press);
  keys.addEventListener("submit", (event) => {
    event.preventDefault();
    ask("POST", `/simulator/calls/${call.sid}/digits`, { digits: digits.value });
    digits.value = "";
  });
  const hangUp = made("button", "stop-small");
  hangUp.type = "button";
  hangUp.addEventListener("click", () => ask("POST", `/simulator/calls/${call.sid}/hangup`));
  const choose = made("button");
  choose.type = "button";
  choose.addEventListener("click", () => {
    element("call").value = call.sid;
    element("fault").focus();
  });
  cells.do.append(keys, hangUp, choose);
  element("calls").append(row);
  return { row, cells, state, keys, digits, press, hangUp, choose };
}

function drawRow(call, made) {
  const { cells, state } = made;
  const place = placeOf(call);
  say(state, place.text);
  state.dataset.state = place.key;
  const last = call.transcript.at(-1);
  say(cells.direction, call.direction === "inbound" ? words().inbound : words().outbound);
  say(cells.from, call.from);
  say(cells.to, call.to);
  say(cells.room, call.room ? `${call.room}${call.held ? ` · ${words().held}` : ""}` : "");
  say(cells.elapsed, clock(call.elapsed_s + (Date.now() - received) / 1000));
  say(cells.heard, last && last.kind !== "state" ? last.text : "");
  say(made.press, words().press);
  say(made.hangUp, words().hangUp);
  say(made.choose, words().spoil);
  made.keys.hidden = call.direction !== "inbound";
  made.digits.setAttribute("aria-label", `${words().keypad}: ${call.from}`);
  made.hangUp.setAttribute("aria-label", `${words().hangUp}: ${call.from} → ${call.to}`);
  made.choose.setAttribute("aria-label", `${words().spoil}: ${call.from} → ${call.to}`);
}

function drawCalls() {
  const live = new Map(seen.calls.map((call) => [call.sid, call]));
  for (const [sid, made] of rows) {
    if (!live.has(sid)) {
      made.row.remove();
      rows.delete(sid);
    }
  }
  for (const [sid, call] of live) {
    if (!rows.has(sid)) rows.set(sid, addRow(call));
    drawRow(call, rows.get(sid));
  }
  element("none").hidden = live.size > 0;
  const names = Object.keys(seen.devices);
  say(element("caption"), `${words().agents}: ${names.length ? names.join(", ") : "0"}`);
}

// -- faults ---------------------------------------------------------------------------------------------------

function fill(select, options) {
  const wanted = JSON.stringify(options);
  if (select.dataset.options === wanted) return;
  const chosen = select.value;
  select.dataset.options = wanted;
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
  if (options.some(([value]) => value === chosen)) select.value = chosen;
}

function drawForm() {
  fill(element("fault"), Object.keys(seen.strikes).map((one) => [one, words().faultNames[one]?.[0] ?? one]));
  const strikes = seen.strikes[element("fault").value] ?? [];
  fill(element("kind"), [["", words().any], ...strikes.map((one) => [one, words().kinds[one] ?? one])]);
  fill(element("call"), [["", words().all], ...seen.calls.map((call) => [call.sid, `${call.from} → ${call.to}`])]);
  fill(element("times"), TIMES.map((one) => [String(one ?? ""), one === null ? words().always : String(one)]));
  say(element("meaning"), words().faultNames[element("fault").value]?.[1] ?? "");
}

function described(one) {
  const call = seen.calls.find((each) => each.sid === one.call);
  const parts = [words().faultNames[one.fault]?.[0] ?? one.fault];
  if (one.kind) parts.push(words().kinds[one.kind] ?? one.kind);
  if (one.event) parts.push(one.event);
  if (one.call) parts.push(call ? `${call.from} → ${call.to}` : words().endedCall);
  parts.push(one.times === null ? words().always : `${one.times}×`);
  parts.push(`${words().struck} ${one.struck}`);
  return parts.join(" · ");
}

function drawActive() {
  const wanted = new Map(seen.injections.map((one) => [one.id, one]));
  for (const [id, item] of injected) {
    if (!wanted.has(id)) {
      item.row.remove();
      injected.delete(id);
    }
  }
  for (const [id, one] of wanted) {
    if (!injected.has(id)) {
      const row = made("li");
      const text = made("span");
      const button = made("button");
      button.type = "button";
      button.addEventListener("click", () => {
        ask("DELETE", `/simulator/injections/${id}`);
        element("fault").focus();
      });
      row.append(text, button);
      element("active").append(row);
      injected.set(id, { row, text, button });
    }
    const item = injected.get(id);
    const text = described(one);
    say(item.text, text);
    say(item.button, words().withdraw);
    item.button.setAttribute("aria-label", `${words().withdraw}: ${words().faultNames[one.fault]?.[0] ?? one.fault}`);
    item.row.classList.toggle("spent", one.times !== null && one.struck >= one.times);
  }
  element("no-faults").hidden = wanted.size > 0;
  element("recover").hidden = wanted.size === 0;
  element("down").hidden = !seen.down;
}

// -- who is called ----------------------------------------------------------------------------------------------

function drawCallees() {
  fill(element("manner"), MANNERS.map((one) => [one, words().manners[one]]));
  const known = new Map(people.map((one) => [one.number, one.label]));
  for (const call of seen.calls) if (call.direction === "inbound" && !known.has(call.from)) known.set(call.from, "");
  fill(element("people"), [...known].filter(([number]) => number.startsWith("+")));
  const wanted = new Map(seen.callees.map((one) => [one.number, one]));
  for (const [number, item] of chosen) {
    if (!wanted.has(number)) {
      item.row.remove();
      chosen.delete(number);
    }
  }
  for (const [number, one] of wanted) {
    if (!chosen.has(number)) {
      const row = made("li");
      const text = made("span");
      const button = made("button");
      button.type = "button";
      button.addEventListener("click", () => {
        ask("DELETE", `/simulator/callees${number && `/${encodeURIComponent(number)}`}`);
        element("callee-number").focus();
      });
      row.append(text, button);
      element("callees").append(row);
      chosen.set(number, { row, text, button });
    }
    const item = chosen.get(number);
    const who = number ? `${number} ${known.get(number) ?? ""}`.trim() : words().anybody;
    say(item.text, `${who} · ${words().manners[one.manner] ?? one.manner}`);
    say(item.button, words().withdraw);
    item.button.setAttribute("aria-label", `${words().withdraw}: ${who}`);
  }
  element("as-usual").hidden = wanted.size > 0;
}

function draw() {
  drawCalls();
  drawForm();
  drawActive();
  drawCallees();
}

function watch() {
  const socket = new WebSocket(liveAddress("/simulator/live"));
  socket.addEventListener("message", (event) => {
    seen = JSON.parse(event.data);
    received = Date.now();
    if (element("notice").textContent === words().offline) notice("");
    draw();
  });
  socket.addEventListener("close", () => {
    notice(words().offline);
    setTimeout(watch, 1500);
  });
}

element("inject").addEventListener("submit", (event) => {
  event.preventDefault();
  const wanted = { fault: element("fault").value, kind: element("kind").value || null, call: element("call").value || null };
  const times = Number(element("times").value) || null;
  notice("");
  ask("POST", "/simulator/injections", { ...wanted, times });
});
element("callee").addEventListener("submit", (event) => {
  event.preventDefault();
  const manner = element("manner").value;
  const outcome = ["answers", "machine"].includes(manner) ? null : manner;
  notice("");
  ask("PUT", "/simulator/callees", { number: element("callee-number").value.trim(), outcome, machine: manner === "machine" });
  element("callee-number").value = "";
});
element("fault").addEventListener("change", drawForm);
element("recover").addEventListener("click", () => {
  ask("DELETE", "/simulator/injections");
  element("fault").focus();
});

async function suggest() {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  try {
    people = (await (await fetch("/simulator/setup", { headers })).json()).suggestions;
  } catch {
    people = []; // numbers can be typed
  }
}

speak(draw);
watch();
suggest();
setInterval(draw, 1000);
