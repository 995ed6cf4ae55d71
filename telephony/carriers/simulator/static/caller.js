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

function choice({ number, label }) {
  return new Option(label ? `${label} · ${number}` : number, number);
}

function suggestion({ number, label, to, notice }, numbers) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  const place = numbers.find((each) => each.number === to)?.label;
  button.type = "button";
  button.dataset.number = number;
  button.textContent = place ? `${label} · ${place.split(",")[0]}` : label;
  button.addEventListener("click", () => {
    element("own").value = number;
    if (place) element("to").value = to;
    markSuggestion();
    drawWho();
  });
  item.append(button);
  if (notice) { // in groups of four, as it is printed
    const small = document.createElement("small");
    small.textContent = ` ${notice.replace(/(.{4})(?=.)/g, "$1 ")}`;
    item.append(small);
  }
  return item;
}

function markSuggestion() {
  for (const button of element("suggestions").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", button.dataset.number === element("own").value.trim());
  }
}

// -- who will answer ------------------------------------------------------------------------------------------

let operators = null;

const canBeLeft = () => element("person").checked && /\d/.test(element("own").value);

function answers() {
  if (operators.people_free > 0) return operators.colleagues === 0 || canBeLeft() ? "person" : "anybody";
  if (operators.colleagues === 0) return "nobody";
  return operators.people > 0 ? "busy" : "colleague";
}

function drawWho() {
  if (operators === null) return;
  const who = answers();
  const [short, hint] = words().who[who];
  const said = (place, text) => element(place).textContent !== text && (element(place).textContent = text);
  said("who", short);
  said("who-hint", hint);
  element("console").href = operators.console;
  element("console").hidden = !operators.console || !["colleague", "nobody"].includes(who);
  element("person-row").hidden = operators.people === 0 || operators.colleagues === 0;
  if (call !== null) said("line-who", words().answeredBy[call.answered_by] ?? (call.live ? short : ""));
}

async function lookAtOperators() {
  try {
    operators = await ask("/simulator/operators");
    drawWho();
  } catch {
    // said elsewhere
  }
  setTimeout(lookAtOperators, 2000);
}

async function prepare() {
  try {
    const setup = await ask("/simulator/setup");
    const chosen = element("to").value;
    element("to").replaceChildren(...setup.numbers.map(choice));
    if (setup.numbers.some((each) => each.number === chosen)) element("to").value = chosen;
    element("suggestions").replaceChildren(...setup.suggestions.map((each) => suggestion(each, setup.numbers)));
    markSuggestion();
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
  drawWho();
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
  drawWho();
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
    const placed = await ask("/simulator/calls", {
      from: element("own").value.trim(), to, for_person: canBeLeft(),
    });
    watch(placed.sid);
    element("log").focus();
  } catch (error) {
    notice(`${words().failed}: ${error.message}`);
  } finally {
    element("call").disabled = false;
  }
});

element("own").addEventListener("input", () => {
  markSuggestion();
  drawWho();
});
element("person").addEventListener("change", drawWho);
element("hang-up").addEventListener("click", () => ask(`/simulator/calls/${call.sid}/hangup`, {}));
element("again").addEventListener("click", forget);
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select");
  if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey && KEYS.includes(event.key)) press(event.key);
});

buildKeypad();
speak(redraw);
lookAtOperators();
prepare();
setInterval(drawElapsed, 500);
const remembered = sessionStorage.getItem(REMEMBERED);
if (remembered) watch(remembered);
