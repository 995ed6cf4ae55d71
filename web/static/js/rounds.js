// The map of a day's rounds: tiles that somebody else serves, the places and lines that the page says itself.

const L = window.L;
const box = document.getElementById("map");
const map = L.map(box, { keyboard: true });
L.tileLayer(box.dataset.tiles, { attribution: box.dataset.attribution, maxZoom: 19 }).addTo(map);
const layer = L.layerGroup().addTo(map);
let shown = "";

function pin(stop, kind) {
  const icon = L.divIcon({ className: `rounds-pin round-${kind}`, html: "", iconSize: [30, 30] });
  const marker = L.marker(stop.at, { icon, title: stop.title, alt: stop.title, keyboard: false }).addTo(layer);
  marker.getElement().textContent = stop.label;
}

function draw() {
  const told = document.getElementById("points")?.textContent ?? "";
  if (!told || told === shown) return;
  const first = shown === "";
  shown = told;
  const points = JSON.parse(told);
  const all = [];
  layer.clearLayers();
  for (const round of points.rounds) {
    if (round.line.length) L.polyline(round.line, { className: `rounds-line round-${round.kind}` }).addTo(layer);
    for (const stop of round.stops) pin(stop, round.kind);
    all.push(...round.line);
  }
  for (const stop of points.left) {
    pin(stop, "none");
    all.push(stop.at);
  }
  if (!first) return;
  if (all.length) map.fitBounds(all, { padding: [24, 24] });
  else box.hidden = true;
}

document.addEventListener("htmx:after:swap", draw);
draw();
