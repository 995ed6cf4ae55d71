/** Every live call, as it moves. */

import { clock, liveAddress, placeOf, speak, words } from "/static/words.js";

const element = (id) => document.getElementById(id);
let seen = { calls: [], devices: {} };
let received = Date.now();

function cell(text, className = "") {
  const made = document.createElement("td");
  made.textContent = text;
  made.className = className;
  return made;
}

function row(call) {
  const made = document.createElement("tr");
  const place = placeOf(call);
  const state = document.createElement("span");
  Object.assign(state, { className: "state", textContent: place.text });
  state.dataset.state = place.key;
  const holder = document.createElement("td");
  holder.append(state);
  const elapsed = clock(call.elapsed_s + (Date.now() - received) / 1000);
  const last = call.transcript.at(-1);
  const heard = last && last.kind !== "state" ? last.text : "";
  const direction = call.direction === "inbound" ? words().inbound : words().outbound;
  made.append(cell(direction), cell(call.from, "number"), cell(call.to, "number"), holder,
    cell(elapsed, "number"), cell(heard));
  return made;
}

function draw() {
  element("calls").replaceChildren(...seen.calls.map(row));
  element("none").hidden = seen.calls.length > 0;
  const names = Object.keys(seen.devices);
  element("caption").textContent = `${words().agents}: ${names.length ? names.join(", ") : "0"}`;
}

function watch() {
  const socket = new WebSocket(liveAddress("/simulator/live"));
  socket.addEventListener("message", (event) => {
    seen = JSON.parse(event.data);
    received = Date.now();
    element("notice").hidden = true;
    draw();
  });
  socket.addEventListener("close", () => {
    element("notice").textContent = words().offline;
    element("notice").hidden = false;
    setTimeout(watch, 1500);
  });
}

speak(draw);
watch();
setInterval(draw, 1000);
