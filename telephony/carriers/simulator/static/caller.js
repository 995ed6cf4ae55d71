/** A citizen's telephone: place a call, hear it in words, press keys, hang up. Survives a reload. */

import { clock, liveAddress, placeOf, speak, token, words } from "/static/words.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const REMEMBERED = "simulator-call";
const element = (id) => document.getElementById(id);

let call = null;
let socket = null;
let received = 0;
let shown = 0;

async function ask(path, body) {
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const options = { method: body === undefined ? "GET" : "POST", headers };
  if (body !== undefined) options.body = JSON.stringify(body);
  const response = await fetch(path, options);
  const answer = await response.json();
  if (!response.ok) throw new Error(typeof answer.detail === "string" ? answer.detail : response.statusText);
  return answer;
}

function notice(text) {
  element("notice").hidden = !text;
  element("notice").textContent = text ?? "";
}

function choice({ number, label }, first) {
  const row = document.createElement("label");
  row.className = "choice";
  const radio = document.createElement("input");
  Object.assign(radio, { type: "radio", name: "to", value: number, required: true, checked: first });
  const text = document.createElement("span");
  const name = document.createElement("b");
  name.textContent = label || number;
  const digits = document.createElement("span");
  digits.textContent = number;
  text.append(name, ...(label ? [digits] : []));
  row.append(radio, text);
  return row;
}

function suggestion({ number, label }) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.addEventListener("click", () => {
    element("own").value = number;
    element("own").focus();
  });
  item.append(button);
  return item;
}

async function prepare() {
  try {
    const setup = await ask("/simulator/setup");
    element("numbers").replaceChildren(...setup.numbers.map((each, index) => choice(each, index === 0)));
    element("suggestions").replaceChildren(...setup.suggestions.map(suggestion));
    element("suggested").hidden = setup.suggestions.length === 0;
    element("call").disabled = setup.numbers.length === 0;
    notice(setup.numbers.length === 0 ? words().noNumbers : null);
    if (setup.numbers.length === 0) setTimeout(prepare, 2000);
  } catch {
    notice(words().offline);
    setTimeout(prepare, 2000);
  }
}

function buildKeypad() {
  for (const key of KEYS) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = key;
    button.dataset.key = key;
    button.addEventListener("click", () => press(key));
    element("keypad").append(button);
  }
}

async function press(key) {
  if (!call?.live) return;
  const button = element("keypad").querySelector(`[data-key="${CSS.escape(key)}"]`);
  button.classList.add("pressed");
  setTimeout(() => button.classList.remove("pressed"), 150);
  try {
    await ask(`/simulator/calls/${call.sid}/digits`, { digits: key });
  } catch (error) {
    notice(error.message);
  }
}

function lineText({ kind, text }) {
  if (kind === "play") {
    const name = text.split("/").pop().split("?")[0];
    return `♪ ${text === "hold music" ? words().music : `${words().audio}: ${name}`}`;
  }
  if (kind === "digits") return text;
  if (kind === "state") return words().place[text] ?? text;
  if (kind === "error") return `${words().error} ${text}`;
  return text;
}

function drawTranscript() {
  const list = element("heard");
  const log = element("log");
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  for (const line of call.transcript.slice(shown)) {
    const item = document.createElement("li");
    item.className = line.kind === "state" ? "state-line" : line.kind;
    if (line.kind === "digits") item.setAttribute("aria-label", `${words().pressed} ${line.text}`);
    item.textContent = lineText(line);
    list.append(item);
  }
  shown = call.transcript.length;
  if (atEnd) log.scrollTop = log.scrollHeight;
  element("nothing").hidden = shown > 0;
}

function draw() {
  element("setup").hidden = call !== null;
  element("line").hidden = call === null;
  if (call === null) return;
  const place = placeOf(call);
  const state = element("state");
  if (state.textContent !== place.text) state.textContent = place.text;
  state.dataset.state = place.key;
  element("line-to").textContent = `${call.from} → ${call.to}`;
  element("hang-up").hidden = !call.live;
  element("again").hidden = call.live;
  element("keypad").classList.toggle("asked", call.gathering);
  for (const button of element("keypad").children) button.disabled = !call.live;
  drawTranscript();
  drawElapsed();
}

function drawElapsed() {
  if (call === null) return;
  const since = call.live ? (Date.now() - received) / 1000 : 0;
  element("elapsed").textContent = clock(call.elapsed_s + since);
}

function redraw() {
  element("heard").replaceChildren();
  shown = 0;
  draw();
}

function watch(sid) {
  sessionStorage.setItem(REMEMBERED, sid);
  const opened = new WebSocket(liveAddress(`/simulator/calls/${sid}/live`));
  socket = opened;
  opened.addEventListener("message", (event) => {
    call = JSON.parse(event.data);
    received = Date.now();
    notice(null);
    draw();
    if (!call.live) opened.close();
  });
  opened.addEventListener("close", (event) => {
    if (socket !== opened || call?.live === false) return;
    if (event.code === 4404) return forget();
    notice(words().offline);
    setTimeout(() => socket === opened && watch(sid), 1000);
  });
}

function forget() {
  sessionStorage.removeItem(REMEMBERED);
  socket = null;
  call = null;
  notice(null);
  redraw();
  prepare();
}

element("setup").addEventListener("submit", async (event) => {
  event.preventDefault();
  const to = element("setup").elements.to.value;
  element("call").disabled = true;
  try {
    const placed = await ask("/simulator/calls", { from: element("own").value.trim(), to });
    watch(placed.sid);
    element("log").focus();
  } catch (error) {
    notice(`${words().failed}: ${error.message}`);
  } finally {
    element("call").disabled = false;
  }
});

element("hang-up").addEventListener("click", () => ask(`/simulator/calls/${call.sid}/hangup`, {}));
element("again").addEventListener("click", forget);
document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement;
  if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey && KEYS.includes(event.key)) press(event.key);
});

buildKeypad();
speak(redraw);
prepare();
setInterval(drawElapsed, 500);
const remembered = sessionStorage.getItem(REMEMBERED);
if (remembered) watch(remembered);
