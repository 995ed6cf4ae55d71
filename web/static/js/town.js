// A town's drawing: where it is pressed, the door is marked, and its coordinates are written into the form.

const svg = document.getElementById("town");
const mark = document.getElementById("town-mark");
const fields = { latitude: document.getElementById("latitude"), longitude: document.getElementById("longitude") };
const scale = Object.fromEntries(Object.entries(svg.dataset).map(([name, value]) => [name, Number(value)]));

svg.addEventListener("click", (event) => {
  const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  const latitude = scale.north - (y - scale.top) / scale.factor;
  const longitude = ((x - scale.left) / scale.factor + scale.west) / scale.shrink;
  fields.latitude.value = latitude.toFixed(5).replace(".", ",");
  fields.longitude.value = longitude.toFixed(5).replace(".", ",");
  mark.setAttribute("transform", `translate(${x} ${y})`);
  mark.removeAttribute("hidden");
  document.getElementById("town-said").textContent = `${fields.latitude.value} · ${fields.longitude.value}`;
});
