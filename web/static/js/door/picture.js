// Pictures: a QR code from its rows, a photograph made small and without what the camera wrote, a signature.

const LONGEST_PX = 1280;
const LARGEST = 250_000;

const bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));

// A code of `size` modules, its rows one after the other, bit by bit.
export function qr({ size, bits }, label) {
  const on = bytes(bits);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const quiet = 4;
  svg.setAttribute("viewBox", `0 0 ${size + 2 * quiet} ${size + 2 * quiet}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  let drawn = "";
  for (let at = 0; at < size * size; at += 1) {
    if (on[at >> 3] & (128 >> (at & 7))) drawn += `M${quiet + (at % size)} ${quiet + Math.floor(at / size)}h1v1h-1z`;
  }
  path.setAttribute("d", drawn);
  svg.append(path);
  return svg;
}

const encoded = (url) => url.slice(url.indexOf(",") + 1);

// A JPEG in base64, drawn anew, so that nothing of the camera's file is in it; none for what is no picture.
export async function photograph(file) {
  const image = await createImageBitmap(file).catch(() => null);
  if (!image) return null;
  const canvas = document.createElement("canvas");
  let scale = Math.min(1, LONGEST_PX / Math.max(image.width, image.height));
  for (let quality = 0.8; ; quality -= 0.15, scale *= 0.8) {
    canvas.width = Math.max(1, Math.round(image.width * scale));
    canvas.height = Math.max(1, Math.round(image.height * scale));
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    const data = encoded(canvas.toDataURL("image/jpeg", Math.max(0.3, quality)));
    if (data.length * 0.75 < LARGEST || quality < 0.3) return data;
  }
}

// Lets somebody sign on a canvas; `data()` is a PNG in base64, none while nothing is drawn.
export function signature(canvas) {
  const context = canvas.getContext("2d");
  let drawing = false;
  let signed = false;
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    drawing = true;
    context.lineWidth = 3;
    context.lineCap = "round";
    context.beginPath();
    context.moveTo(...at(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drawing) return;
    signed = true;
    context.lineTo(...at(event));
    context.stroke();
  });
  canvas.addEventListener("pointerup", () => { drawing = false; });
  return {
    clear() {
      context.clearRect(0, 0, canvas.width, canvas.height);
      signed = false;
    },
    data: () => (signed ? encoded(canvas.toDataURL("image/png")) : null),
  };
}
