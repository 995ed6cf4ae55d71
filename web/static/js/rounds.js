// The map of a day's rounds: tiles that somebody else serves, the places and lines that the page says itself.

const L = window.L;
const box = document.getElementById("map");
const map = L.map(box);
map.attributionControl.setPrefix(false);
const layer = L.layerGroup();
let shown = "";

function pin(stop, kind) {
  const label = document.createElement("span");
  label.textContent = stop.label;
  const icon = L.divIcon({ className: `rounds-pin round-${kind}`, html: label, iconSize: [30, 30] });
  L.marker(stop.at, { icon, title: stop.title, alt: stop.title, keyboard: false }).addTo(layer);
}

function look(all) {
  if (all.length === 0) return void (box.hidden = true);
  map.fitBounds(all, { padding: [24, 24], maxZoom: 16 });
  L.tileLayer(box.dataset.tiles, { attribution: box.dataset.attribution, maxZoom: 19 }).addTo(map);
  layer.addTo(map);
}

function draw() {
  const told = document.getElementById("points")?.textContent ?? "";
  if (!told || told === shown) return;
  const points = JSON.parse(told);
  const stops = [...points.rounds.flatMap((round) => round.stops), ...points.left];
  if (shown === "") look([...stops.map((stop) => stop.at), ...points.rounds.flatMap((round) => round.line)]);
  shown = told;
  layer.clearLayers();
  for (const round of points.rounds) {
    if (round.line.length) L.polyline(round.line, { className: `rounds-line round-${round.kind}` }).addTo(layer);
    for (const stop of round.stops) pin(stop, round.kind);
  }
  for (const stop of points.left) pin(stop, "none");
}

document.addEventListener("htmx:after:swap", draw);
draw();
