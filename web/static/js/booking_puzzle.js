// Finds a number of which, after the puzzle and a colon, SHA-256 (FIPS 180-4) begins with fifteen bits of nothing.
// Of our own, as the browser's digests are asynchronous: thirty thousand of them would take seconds.
const BITS = 15;
const K = new Uint32Array(64);
const START = new Uint32Array(8);
for (let n = 2, found = 0; found < 64; n++) {
  let prime = true;
  for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
  if (!prime) continue;
  const fraction = (x) => ((x - Math.floor(x)) * 2 ** 32) >>> 0;
  if (found < 8) START[found] = fraction(Math.sqrt(n));
  K[found++] = fraction(Math.cbrt(n));
}

const W = new Uint32Array(64);
const turned = (x, n) => (x >>> n) | (x << (32 - n));

function first(bytes) {
  const padded = new Uint8Array(((bytes.length + 8) >> 6 << 6) + 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, bytes.length * 8);
  const h = START.slice();
  for (let at = 0; at < padded.length; at += 64) {
    for (let t = 0; t < 16; t++) W[t] = view.getUint32(at + 4 * t);
    for (let t = 16; t < 64; t++) {
      const a = W[t - 15], b = W[t - 2];
      W[t] = W[t - 16] + (turned(a, 7) ^ turned(a, 18) ^ (a >>> 3)) + W[t - 7] + (turned(b, 17) ^ turned(b, 19) ^ (b >>> 10));
    }
    let [a, b, c, d, e, f, g, i] = h;
    for (let t = 0; t < 64; t++) {
      const one = (i + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + K[t] + W[t]) | 0;
      const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      i = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
    }
    [a, b, c, d, e, f, g, i].forEach((one, n) => { h[n] += one; });
  }
  return h[0];
}

onmessage = ({ data }) => {
  const encoder = new TextEncoder();
  for (let answer = 0; ; answer++) {
    if (first(encoder.encode(`${data}:${answer}`)) >>> (32 - BITS) === 0) {
      postMessage(String(answer));
      return;
    }
  }
};
